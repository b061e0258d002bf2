-- Day by day
with played as (
    select
        report_play.date_key,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    group by report_play.date_key
)
select
    day.local_date::date as local_date,
    -- null where the day is not recorded, or plays of it were lost
    coalesce(played.play_count, recorded.nothing) as play_count,
    coalesce(played.listened_ms, recorded.nothing) as listened_ms,
    recorded.coverage
from generate_series(
    cast(:since_date as date)::timestamp,
    greatest(
        least(cast(:until_date as date), cast(:today as date)),
        (select to_date(max(played.date_key)::text, 'yyyymmdd') from played)
    )::timestamp,
    interval '1 day'
) as day (local_date)
cross join lateral (
    select
        case when cast(:covered_days as datemultirange) @> day.local_date::date then 0 end as nothing,
        case
            when cast(:lost_days as datemultirange) @> day.local_date::date then 'gap'
            when cast(:covered_days as datemultirange) @> day.local_date::date then 'covered'
            else 'not recorded'
        end as coverage
) as recorded
left join played on played.date_key = to_char(day.local_date, 'yyyymmdd')::integer
order by day.local_date
