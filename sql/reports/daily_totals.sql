-- In numbers
with told as (
    -- of eight weeks, as far as there is a record
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
        count(told.date_key) as play_count,
        coalesce(sum(told.listened_ms), 0)::bigint as listened_ms,
        count(distinct told.recording_key) as track_count
    from generate_series(cast(:report_date as date) - 56, cast(:report_date as date), interval '1 day') as days (full_date)
    left join told on told.date_key = to_char(days.full_date, 'yyyymmdd')::integer
    group by days.full_date
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
        and day.local_date >= (
            select (fact_play.played_at at time zone dim_listener.time_zone)::date
            from listening.fact_play
            inner join listening.dim_listener on dim_listener.listener_key = fact_play.listener_key
            where fact_play.listener_key = :listener_key
            order by fact_play.played_at
            limit 1
        )
    having count(*) > 0
)
select
    'this day' as day_label,
    day.local_date,
    day.play_count,
    day.listened_ms,
    day.track_count
from day
where day.local_date = cast(:report_date as date)
union all
select
    'the day before',
    day.local_date,
    day.play_count,
    day.listened_ms,
    day.track_count
from day
where day.local_date = cast(:report_date as date) - 1
union all
select
    'usual ' || to_char(cast(:report_date as date), 'FMDay'),
    null,
    usual.play_count,
    usual.listened_ms,
    usual.track_count
from usual
