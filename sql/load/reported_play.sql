-- The plays of the batch with their keys, each told once.
-- One page of Spotify's list can tell one play twice: the same moment and track again, or the same track less than a second
-- apart, often once with and once without its context. Two of a track seconds apart are two plays, for Spotify too.

create temporary table reported_play on commit drop as
with keyed as (
    select
        staging_play.item_number,
        staging_play.source,
        staging_play.played_at,
        staging_play.ms_played,
        case when staging_play.track_uri is null then 0 else dim_track.track_key end as track_key,
        case when staging_play.context_uri is null then 0 else dim_context.context_key end as context_key,
        coalesce(dim_device.device_key, 0) as device_key,
        staging_play.reason_start,
        staging_play.reason_end,
        staging_play.is_shuffle,
        staging_play.is_skipped,
        staging_play.is_offline,
        staging_play.is_private,
        staging_play.country_code
    from staging_play
    left join listening.dim_track on dim_track.track_uri = staging_play.track_uri
    left join listening.dim_context on dim_context.context_uri = staging_play.context_uri
    left join listening.dim_device
        on
            num_nonnulls(
                staging_play.device_id, staging_play.device_name, staging_play.device_type, staging_play.platform
            ) > 0
            and dim_device.device_id is not distinct from staging_play.device_id
            and dim_device.device_name is not distinct from staging_play.device_name
            and dim_device.device_type is not distinct from staging_play.device_type
            and dim_device.platform is not distinct from staging_play.platform
),
spaced as (
    select
        keyed.*,
        coalesce(
            keyed.played_at - lag(keyed.played_at) over track_in_time < interval '1 second',
            false
        ) as is_told_again
    from keyed
    window track_in_time as (partition by keyed.track_key order by keyed.played_at, keyed.item_number)
),
numbered as (
    select
        spaced.*,
        count(*) filter (where not spaced.is_told_again) over (
            partition by spaced.track_key
            order by spaced.played_at, spaced.item_number
        ) as listen_number
    from spaced
)
select
    min(numbered.item_number) as item_number,
    numbered.source,
    numbered.track_key,
    min(numbered.played_at) as played_at,
    max(numbered.played_at) as latest_at,
    max(numbered.ms_played) as ms_played,
    coalesce(
        (
            array_agg(numbered.context_key order by numbered.played_at desc, numbered.item_number)
            filter (where numbered.context_key <> 0)
        )[1],
        0
    ) as context_key,
    max(numbered.device_key) as device_key,
    max(numbered.reason_start) as reason_start,
    max(numbered.reason_end) as reason_end,
    bool_or(numbered.is_shuffle) as is_shuffle,
    bool_or(numbered.is_skipped) as is_skipped,
    bool_or(numbered.is_offline) as is_offline,
    bool_or(numbered.is_private) as is_private,
    max(numbered.country_code) as country_code
from numbered
group by
    numbered.source,
    numbered.track_key,
    numbered.listen_number;

create temporary table known_play on commit drop as
select
    fact_play.play_key,
    fact_play.track_key,
    fact_play.played_at,
    fact_play.played_at + coalesce(fact_play.recently_played_offset_ms, 0) * interval '1 millisecond' as latest_at
from listening.fact_play
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at >= (select min(reported_play.played_at) from reported_play) - interval '5 minutes'
    and fact_play.played_at <= (select max(reported_play.latest_at) from reported_play) + interval '5 minutes';

create temporary table same_listen (
    item_number integer primary key,
    play_key bigint not null unique
) on commit drop;
