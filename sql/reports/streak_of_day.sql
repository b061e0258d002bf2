-- Days in a row
with recursive streak as (
    -- back from the day, or from the day before if it has no play yet, as long as each day has one
    select
        last_day.local_date,
        0 as day_count,
        dim_listener.time_zone,
        listening.start_of_day(last_day.local_date, dim_listener.time_zone) as starts_at,
        listening.start_of_day(last_day.local_date + 1, dim_listener.time_zone) as ends_at
    from listening.dim_listener
    cross join lateral (
        select
            cast(:report_date as date)
            -- a day that is not recorded has no streak
            - case
                when exists (select 1 from report_play) then 0
                when cast(:covered_days as datemultirange) @> cast(:report_date as date) then 1
            end
            as local_date
    ) as last_day
    where
        dim_listener.listener_key = :listener_key
        and last_day.local_date is not null
    union all
    select
        streak.local_date - 1,
        streak.day_count + 1,
        streak.time_zone,
        listening.start_of_day(streak.local_date - 1, streak.time_zone),
        streak.starts_at
    from streak
    where exists (
        select 1
        from listening.counted_plays(:counts_as, streak.starts_at, streak.ends_at) as counted_plays
        where counted_plays.listener_key = :listener_key
    )
)
select
    streak.day_count,
    streak.local_date + 1 as first_date,
    not cast(:covered_days as datemultirange) @> streak.local_date as is_open_ended
from streak
order by streak.day_count desc
limit 1
