-- Consistency checks: the number of rows that break each rule. All should be zero.
select
    'orphan_keys' as check_name,
    count(*) as row_count
from listening.fact_play
where
    not exists (select 1 from listening.dim_listener where dim_listener.listener_key = fact_play.listener_key)
    or not exists (select 1 from listening.dim_track where dim_track.track_key = fact_play.track_key)
    or not exists (select 1 from listening.dim_date where dim_date.date_key = fact_play.date_key)
    or not exists (select 1 from listening.dim_time where dim_time.time_key = fact_play.time_key)
    or not exists (select 1 from listening.dim_context where dim_context.context_key = fact_play.context_key)
    or not exists (select 1 from listening.dim_device where dim_device.device_key = fact_play.device_key)
    or not exists (
        select 1
        from listening.dim_play_profile
        where dim_play_profile.play_profile_key = fact_play.play_profile_key
    )
union all
select
    'tracks_without_artist',
    count(*)
from listening.dim_track
where
    dim_track.content_type = 'track'
    and dim_track.fetched_at is not null
    and not exists (
        select 1
        from listening.bridge_track_artist
        where bridge_track_artist.track_key = dim_track.track_key
    )
union all
select
    'duplicate_plays',
    count(*)
from (
    select
        fact_play.track_key = lag(fact_play.track_key) over same_moment as is_same_track,
        fact_play.ms_played is not distinct from lag(fact_play.ms_played) over same_moment as is_same_length,
        fact_play.since_previous_ms
    from listening.fact_play
    window same_moment as (
        partition by fact_play.listener_key
        order by
            fact_play.played_at,
            fact_play.play_key
    )
) as neighbour
where
    neighbour.is_same_track
    and neighbour.is_same_length
    and neighbour.since_previous_ms = 0
union all
select
    'plays_of_the_future',
    count(*)
from listening.fact_play
where fact_play.played_at > :now + interval '10 minutes'
union all
select
    'distances_adrift',
    count(*)
from (
    select
        fact_play.since_previous_ms,
        fact_play.played_at - lag(fact_play.played_at) over (
            partition by fact_play.listener_key
            order by
                fact_play.played_at,
                fact_play.play_key
        ) as gap
    from listening.fact_play
) as spaced
where
    spaced.since_previous_ms is distinct from case
        when spaced.gap <= interval '1 day' then round(date_part('epoch', spaced.gap) * 1000)
    end
union all
select
    'watermarks_adrift',
    count(*)
from ops.watermark
where
    watermark.source = 'recently_played'
    and watermark.played_at is distinct from (
        select fact_play.played_at
        from listening.fact_play
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
        where
            fact_play.listener_key = watermark.listener_key
            and 'recently_played' = any(dim_play_profile.sources)
        order by fact_play.played_at desc
        limit 1
    )
union all
select
    'local_dates_adrift',
    count(*)
from listening.fact_play
inner join (
    select
        dim_listener.listener_key,
        dim_listener.time_zone
    from listening.dim_listener
    where listening.known_time_zone(array[dim_listener.time_zone]) is not null
    offset 0  -- keeps the planner from dating plays by an unknown zone
) as listener on listener.listener_key = fact_play.listener_key
where
    fact_play.date_key <> to_char(fact_play.played_at at time zone listener.time_zone, 'YYYYMMDD')::integer
    or fact_play.time_key <> extract(hour from fact_play.played_at at time zone listener.time_zone) * 60
    + extract(minute from fact_play.played_at at time zone listener.time_zone)
union all
select
    'unknown_time_zones',
    count(*)
from listening.dim_listener
where listening.known_time_zone(array[dim_listener.time_zone]) is null
