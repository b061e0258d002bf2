-- In numbers
with counted as (
    -- the plays of eight weeks that meet the minimum
    select
        counted_plays.date_key,
        counted_plays.listened_ms,
        case
            when counted_plays.content_type in ('track', 'local') and counted_plays.track_key > 0
                then counted_plays.recording_key
        end as recording_key
    from listening.counted_plays(:counts_as, :since_usual, :until)
    where counted_plays.listener_key = :listener_key
),
day as (
    select
        days.full_date::date as local_date,
        count(counted.date_key) as play_count,
        coalesce(sum(counted.listened_ms), 0)::bigint as listened_ms,
        count(distinct counted.recording_key) as track_count
    from generate_series(
        cast(:report_date as date) - 56,
        cast(:report_date as date),
        interval '1 day'
    ) as days (full_date)
    left join counted on counted.date_key = to_char(days.full_date, 'yyyymmdd')::integer
    group by days.full_date
),
recorded as (
    select
        day.local_date,
        day.play_count > 0 or cast(:covered_days as datemultirange) @> day.local_date as is_recorded,
        case
            when cast(:lost_days as datemultirange) @> day.local_date then 'gap'
            when cast(:covered_days as datemultirange) @> day.local_date then 'covered'
            else 'not recorded'
        end as coverage
    from day
),
usual as (
    select
        round(avg(day.play_count))::bigint as play_count,
        round(avg(day.listened_ms))::bigint as listened_ms,
        round(avg(day.track_count))::bigint as track_count
    from day
    where
        day.local_date < cast(:report_date as date)
        and extract(isodow from day.local_date) = extract(isodow from cast(:report_date as date))
        -- days that are not fully recorded say nothing about what is usual
        and cast(:covered_days as datemultirange) @> day.local_date
    having count(*) > 0
)
select
    case day.local_date when cast(:report_date as date) then 'this day' else 'the day before' end as day_label,
    day.local_date,
    case when recorded.is_recorded then day.play_count end as play_count,
    case when recorded.is_recorded then day.listened_ms end as listened_ms,
    case when recorded.is_recorded then day.track_count end as track_count,
    case when whole.is_whole then recorded.coverage else 'partly recorded' end as coverage
from day
inner join recorded on recorded.local_date = day.local_date
cross join lateral (
    -- a past day of which sources cover only some hours, to the minute
    select
        recorded.coverage <> 'covered'
        or day.local_date >= cast(:today as date)
        or coalesce(
            range_agg(
                tstzrange(
                    coverage_span.starts_at - interval '30 seconds',
                    coverage_span.ends_at + interval '30 seconds'
                )
            )
            @> tstzrange(
                listening.start_of_day(day.local_date, dim_listener.time_zone),
                listening.start_of_day(day.local_date + 1, dim_listener.time_zone)
            ),
            true
        ) as is_whole
    from listening.dim_listener
    left join listening.coverage_span
        on
            coverage_span.listener_key = dim_listener.listener_key
            and coverage_span.starts_at < listening.start_of_day(day.local_date + 1, dim_listener.time_zone)
            and coverage_span.ends_at > listening.start_of_day(day.local_date, dim_listener.time_zone)
    where dim_listener.listener_key = :listener_key
    group by dim_listener.listener_key
) as whole
where day.local_date >= cast(:report_date as date) - 1
union all
select
    'usual ' || to_char(cast(:report_date as date), 'FMDay'),
    null,
    usual.play_count,
    usual.listened_ms,
    usual.track_count,
    null
from usual
order by local_date desc nulls last
