-- On this day in earlier years
with year as materialized (
    select
        make_date(
            years.year,
            extract(month from cast(:report_date as date))::integer,
            extract(day from cast(:report_date as date))::integer
        ) as local_date
    from generate_series(
        extract(year from cast(:first_date as date))::integer,
        extract(year from cast(:report_date as date))::integer - 1
    ) as years (year)
    -- 29 February exists in leap years only
    where
        extract(month from cast(:report_date as date)) <> 2
        or extract(day from cast(:report_date as date)) < 29
        or (years.year % 4 = 0 and (years.year % 100 <> 0 or years.year % 400 = 0))
),
day as materialized (
    select
        year.local_date,
        listening.start_of_day(year.local_date, dim_listener.time_zone) as starts_at,
        listening.start_of_day(year.local_date + 1, dim_listener.time_zone) as ends_at
    from year
    inner join listening.dim_listener on dim_listener.listener_key = :listener_key
    where
        year.local_date >= cast(:first_date as date)
        and year.local_date <= cast(:today as date)
),
heard as (
    select
        day.local_date,
        counted_plays.track_key,
        counted_plays.recording_key,
        counted_plays.content_type,
        counted_plays.listened_ms
    from day
    cross join lateral (
        select counted_plays.*
        from listening.counted_plays(:counts_as, day.starts_at, day.ends_at)
        where counted_plays.listener_key = :listener_key
        offset 0 -- day by day: the planner expects thousands of years, and would read everything
    ) as counted_plays
),
most as (
    select distinct on (heard.local_date)
        heard.local_date,
        min(heard.track_key) as track_key,
        count(*) as track_play_count
    from heard
    where
        heard.content_type in ('track', 'local')
        and heard.track_key > 0
    group by
        heard.local_date,
        heard.recording_key
    order by
        heard.local_date,
        count(*) desc,
        sum(heard.listened_ms) desc nulls last,
        min(heard.track_key)
)
select
    day.local_date,
    -- null where the day is not recorded, or plays of it were lost
    coalesce(total.play_count, recorded.nothing) as play_count,
    coalesce(total.listened_ms, recorded.nothing) as listened_ms,
    dim_track.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = most.track_key
    ) as artist_names,
    most.track_play_count,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    recorded.coverage,
    most.track_key,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = most.track_key
    ) as artists
from day
cross join lateral (
    select
        case when cast(:covered_days as datemultirange) @> day.local_date then 0 end as nothing,
        case
            when cast(:lost_days as datemultirange) @> day.local_date then 'gap'
            when cast(:covered_days as datemultirange) @> day.local_date then 'covered'
            else 'not recorded'
        end as coverage
) as recorded
left join (
    select
        heard.local_date,
        count(*) as play_count,
        coalesce(sum(heard.listened_ms), 0)::bigint as listened_ms
    from heard
    group by heard.local_date
) as total on total.local_date = day.local_date
left join most on most.local_date = day.local_date
left join listening.dim_track on dim_track.track_key = most.track_key
left join listening.dim_album on dim_album.album_key = dim_track.album_key
order by day.local_date desc
