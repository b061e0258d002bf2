-- When in the day
with recorded as (
    -- of one day, the hours that a source covers; of several days, all hours if one day is recorded
    select clock.hour
    from listening.dim_listener
    cross join generate_series(0, 23) as clock (hour)
    cross join lateral (
        select
            (cast(:since_date as date) + clock.hour * interval '1 hour')
            at time zone dim_listener.time_zone as starts_at,
            (cast(:since_date as date) + (clock.hour + 1) * interval '1 hour')
            at time zone dim_listener.time_zone as ends_at
    ) as moment
    where
        dim_listener.listener_key = :listener_key
        and cast(:since_date as date) = cast(:until_date as date)
        and exists (
            select 1
            from listening.coverage_span
            where
                coverage_span.listener_key = :listener_key
                and coverage_span.state = 'covered'
                and coverage_span.starts_at < moment.ends_at
                and coverage_span.ends_at >= moment.starts_at
        )
    union
    select generate_series(0, 23)
    where
        cast(:since_date as date) < cast(:until_date as date)
        and cast(:covered_days as datemultirange) && daterange(:since_date, :until_date, '[]')
),
played as (
    select
        report_play.time_key / 60 as hour,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    group by report_play.time_key / 60
)
select
    clock.hour,
    -- null where nothing of the hour is recorded
    coalesce(played.play_count, case when recorded.hour is not null then 0 end) as play_count,
    coalesce(played.listened_ms, case when recorded.hour is not null then 0 end) as listened_ms
from generate_series(0, 23) as clock (hour)
left join played on played.hour = clock.hour
left join recorded on recorded.hour = clock.hour
order by clock.hour
