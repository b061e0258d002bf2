-- The counted plays from since to before until by weekday and hour of the listener's clock; 0 where such a weekday is
-- recorded, null where none is.
with played as (
    select
        dim_date.day_of_week,
        counted_plays.time_key / 60 as hour,
        count(*) as play_count,
        coalesce(sum(counted_plays.listened_ms), 0)::bigint as listened_ms
    from listening.counted_plays(:counts_as, :since, :until)
    inner join listening.dim_date on dim_date.date_key = counted_plays.date_key
    where counted_plays.listener_key = :listener_key
    group by
        dim_date.day_of_week,
        counted_plays.time_key / 60
),
recorded as (
    select distinct extract(isodow from day.local_date)::integer as day_of_week
    from unnest(
        cast(:covered_days as datemultirange) * datemultirange(daterange(:since_date, :until_date, '[]'))
    ) as span (days)
    cross join lateral generate_series(
        lower(span.days)::timestamp, (upper(span.days) - 1)::timestamp, interval '1 day'
    ) as day (local_date)
)
select
    weekday.day_of_week,
    clock.hour,
    coalesce(played.play_count, case when recorded.day_of_week is not null then 0 end) as play_count,
    coalesce(played.listened_ms, case when recorded.day_of_week is not null then 0 end) as listened_ms
from generate_series(1, 7) as weekday (day_of_week)
cross join generate_series(0, 23) as clock (hour)
left join played
    on
        played.day_of_week = weekday.day_of_week
        and played.hour = clock.hour
left join recorded on recorded.day_of_week = weekday.day_of_week
order by
    weekday.day_of_week,
    clock.hour
