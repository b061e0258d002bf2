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
-- Equal plays of one moment are two only if they began a length apart, as a phone that was offline uploads them.
select
    'duplicate_plays',
    count(*)
from (
    select
        twin.listener_key,
        twin.play_key,
        twin.before_key,
        twin.ms_played
    from (
        select
            fact_play.listener_key,
            fact_play.play_key,
            fact_play.ms_played,
            lag(fact_play.play_key) over alike as before_key
        from listening.fact_play
        window alike as (
            partition by
                fact_play.listener_key,
                fact_play.played_at,
                fact_play.track_key,
                fact_play.ms_played
            order by fact_play.play_key
        )
    ) as twin
    where twin.before_key is not null
) as pair
left join (
    select
        observation.listener_key,
        observation.play_key,
        min(observation.started_at) as started_at
    from listening.observation
    group by
        observation.listener_key,
        observation.play_key
) as begun
    on
        begun.listener_key = pair.listener_key
        and begun.play_key = pair.play_key
left join (
    select
        observation.listener_key,
        observation.play_key,
        min(observation.started_at) as started_at
    from listening.observation
    group by
        observation.listener_key,
        observation.play_key
) as begun_before
    on
        begun_before.listener_key = pair.listener_key
        and begun_before.play_key = pair.before_key
where
    coalesce(
        abs(date_part('epoch', begun.started_at - begun_before.started_at)) * 1000 < greatest(pair.ms_played, 1),
        true
    )
union all
select
    'observations_without_play',
    count(*)
from listening.observation
where
    observation.listener_key not in (
        -- the other listener has the plays
        select dim_listener.listener_key
        from listening.dim_listener
        where dim_listener.merged_into is not null
    )
    and not exists (
        select 1
        from listening.fact_play
        where
            fact_play.listener_key = observation.listener_key
            and fact_play.play_key = observation.play_key
    )
union all
select
    'plays_without_observation',
    count(*)
from listening.fact_play
where
    not exists (
        select 1
        from listening.observation
        where
            observation.listener_key = fact_play.listener_key
            and observation.play_key = fact_play.play_key
    )
union all
select
    'plays_of_the_future',
    count(*)
from listening.fact_play
where fact_play.played_at > :now + interval '10 minutes'
union all
-- The time since the play before ended. Plays of unknown length that are dated less than thirty seconds apart share the
-- time before the first of them: the latest as much as its track is long, then the one before it; the first has the
-- rest.
select
    'distances_adrift',
    count(*)
from (
    select
        numbered.since_previous_ms,
        numbered.since_ms,
        numbered.is_together,
        numbered.duration_ms,
        count(*) over same_group > 1 as is_shared,
        -- no play within the day before: as much as they are long
        coalesce(min(numbered.since_ms) filter (where not numbered.is_together) over same_group, 'infinity') as room_ms,
        coalesce(
            sum(numbered.duration_ms) over (
                partition by
                    numbered.listener_key,
                    numbered.group_number
                order by numbered.place desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as later_ms
    from (
        select
            spaced.*,
            count(*) filter (where not spaced.is_together) over (
                partition by spaced.listener_key
                order by spaced.place
            ) as group_number
        from (
            select
                placed.listener_key,
                placed.place,
                placed.duration_ms,
                placed.since_previous_ms,
                case
                    when placed.gap <= interval '1 day' then date_part('epoch', placed.gap) * 1000
                end as since_ms,
                placed.is_unknown
                and coalesce(placed.is_unknown_before, false)
                and placed.gap < interval '30 seconds' as is_together
            from (
                select
                    fact_play.listener_key,
                    fact_play.since_previous_ms,
                    fact_play.ms_played is null as is_unknown,
                    lag(fact_play.ms_played is null) over in_order as is_unknown_before,
                    fact_play.played_at - lag(fact_play.played_at) over in_order as gap,
                    row_number() over in_order as place,
                    dim_track.duration_ms
                from listening.fact_play
                left join listening.dim_track on dim_track.track_key = fact_play.track_key
                window in_order as (
                    partition by fact_play.listener_key
                    order by
                        fact_play.played_at,
                        fact_play.ms_played nulls first,
                        dim_track.track_uri nulls first,
                        fact_play.play_key
                )
            ) as placed
        ) as spaced
    ) as numbered
    window same_group as (
        partition by
            numbered.listener_key,
            numbered.group_number
    )
) as measured
where
    measured.since_previous_ms is distinct from case
        when not measured.is_shared then round(measured.since_ms)
        when measured.is_together
            then round(
                least(coalesce(measured.duration_ms, 0), greatest(measured.room_ms - measured.later_ms, 0), 86400000)
            )
        when measured.room_ms <= 86400000 then round(greatest(measured.room_ms - measured.later_ms, 0))
    end
union all
select
    'watermarks_adrift',
    count(*)
from ops.watermark
inner join listening.dim_listener on dim_listener.listener_key = watermark.listener_key
where
    dim_listener.merged_into is null
    and watermark.played_at is distinct from (
        select fact_play.played_at
        from listening.fact_play
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
        where
            fact_play.listener_key = watermark.listener_key
            and watermark.source = any(dim_play_profile.sources)
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
