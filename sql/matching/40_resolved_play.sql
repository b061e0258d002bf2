-- The plays: the source plays of each, resolved into one row. The source of the lowest rank (listening.source) decides
-- each attribute: the date; the track, among those with an id if there are any; the milliseconds; the context; and device,
-- reasons and flags.
--
-- A date that is that of an upload gives way to the end that start and milliseconds give (21_late_date.sql).
--
-- A recorded play stays the one that the observations of its best source belong to.

create temporary table play_of_source on commit drop as
select
    coalesce(play_member.play_number, source_play.source_play_number) as play_number,
    count(*) over (partition by coalesce(play_member.play_number, source_play.source_play_number)) > 1 as is_together,
    source_play.*,
    source.source_name,
    source.date_rank,
    source.ms_rank,
    source.name_rank,
    source.context_rank,
    source.device_rank
from source_play
inner join listening.source on source.source_key = source_play.source_key
left join play_member on play_member.source_play_number = source_play.source_play_number;

analyze play_of_source;

create temporary table joined_play on commit drop as
select
    play_of_source.play_number,
    coalesce(play_of_source.ends_at, play_of_source.observed_at) as played_at,
    play_of_source.track_key,
    play_of_source.ms_played,
    play_of_source.context_key,
    play_of_source.device_key,
    play_of_source.play_profile_key,
    array[play_of_source.source_name] as sources,
    case when play_of_source.ms_played is not null then source.ms_basis end as ms_basis,
    play_of_source.device_rank is not null as has_details
from play_of_source
inner join listening.source on source.source_key = play_of_source.source_key
where not play_of_source.is_together
union all
select
    together.play_number,
    case
        when together.ends_at < together.dated_at - interval '1 minute' then together.ends_at
        else together.dated_at
    end,
    together.track_key,
    together.ms_played,
    together.context_key,
    together.device_key,
    together.play_profile_key,
    together.sources,
    together.ms_basis,
    together.has_details
from (
    select
        play_of_source.play_number,
        (
            array_agg(
                coalesce(play_of_source.ends_at, play_of_source.observed_at)
                order by play_of_source.date_rank, play_of_source.observed_at
            )
        )[1] as dated_at,
        min(play_of_source.ends_at) as ends_at,
        (
            array_agg(
                play_of_source.track_key
                order by
                    play_of_source.track_key = 0,
                    play_of_source.has_id desc,
                    play_of_source.name_rank,
                    dim_track.track_uri
            )
        )[1] as track_key,
        (
            array_agg(play_of_source.ms_played order by play_of_source.ms_rank, play_of_source.ms_played desc)
            filter (where play_of_source.ms_played is not null)
        )[1] as ms_played,
        coalesce(
            (
                array_agg(play_of_source.context_key order by play_of_source.context_rank, dim_context.context_uri)
                filter (where play_of_source.context_key <> 0)
            )[1],
            0
        ) as context_key,
        coalesce(
            (
                array_agg(play_of_source.device_key order by play_of_source.device_rank)
                filter (where play_of_source.device_key <> 0)
            )[1],
            0
        ) as device_key,
        (array_agg(play_of_source.play_profile_key order by play_of_source.device_rank nulls last))[1]
            as play_profile_key,
        array_agg(distinct play_of_source.source_name) as sources,
        (
            array_agg(source.ms_basis order by play_of_source.ms_rank)
            filter (where play_of_source.ms_played is not null)
        )[1] as ms_basis,
        bool_or(play_of_source.device_rank is not null) as has_details
    from play_of_source
    inner join listening.source on source.source_key = play_of_source.source_key
    inner join listening.dim_track on dim_track.track_key = play_of_source.track_key
    inner join listening.dim_context on dim_context.context_key = play_of_source.context_key
    where play_of_source.is_together
    group by play_of_source.play_number
) as together;

analyze joined_play;

-- Reasons, flags and sources together, which few combinations share.
create temporary table profile_met on commit drop as
select
    met.play_profile_key as given_profile_key,
    met.sources,
    met.ms_basis,
    given.reason_start,
    given.reason_end,
    given.is_shuffle,
    given.is_skipped,
    given.is_offline,
    given.is_private,
    given.country_code
from (
    select distinct
        joined_play.play_profile_key,
        joined_play.sources,
        joined_play.ms_basis
    from joined_play
) as met
inner join listening.dim_play_profile as given on given.play_profile_key = met.play_profile_key;

insert into listening.dim_play_profile (
    reason_start,
    reason_end,
    is_shuffle,
    is_skipped,
    is_offline,
    is_private,
    country_code,
    ms_played_basis,
    sources
)
select
    profile_met.reason_start,
    profile_met.reason_end,
    profile_met.is_shuffle,
    profile_met.is_skipped,
    profile_met.is_offline,
    profile_met.is_private,
    profile_met.country_code,
    profile_met.ms_basis,
    profile_met.sources
from profile_met
except
select
    dim_play_profile.reason_start,
    dim_play_profile.reason_end,
    dim_play_profile.is_shuffle,
    dim_play_profile.is_skipped,
    dim_play_profile.is_offline,
    dim_play_profile.is_private,
    dim_play_profile.country_code,
    dim_play_profile.ms_played_basis,
    dim_play_profile.sources
from listening.dim_play_profile
on conflict do nothing;

create temporary table profile_key on commit drop as
select
    profile_met.given_profile_key,
    profile_met.sources,
    profile_met.ms_basis,
    dim_play_profile.play_profile_key
from profile_met
inner join listening.dim_play_profile
    on
        dim_play_profile.sources = profile_met.sources
        and (
            dim_play_profile.reason_start,
            dim_play_profile.reason_end,
            dim_play_profile.is_shuffle,
            dim_play_profile.is_skipped,
            dim_play_profile.is_offline,
            dim_play_profile.is_private,
            dim_play_profile.country_code,
            dim_play_profile.ms_played_basis
        ) is not distinct from (
            profile_met.reason_start,
            profile_met.reason_end,
            profile_met.is_shuffle,
            profile_met.is_skipped,
            profile_met.is_offline,
            profile_met.is_private,
            profile_met.country_code,
            profile_met.ms_basis
        );

-- Which recorded play each of them is. Where observations of one recorded play belong to two by now, its best source
-- decides.
create temporary table kept_play on commit drop as
select
    claimed.play_number,
    min(claimed.play_key) as play_key
from (
    select distinct on (near_observation.play_key)
        near_observation.play_key,
        play_of_source.play_number
    from near_observation
    inner join source_play_observation
        on source_play_observation.observation_number = near_observation.observation_number
    inner join play_of_source on play_of_source.source_play_number = source_play_observation.source_play_number
    where near_observation.play_key is not null
    order by
        near_observation.play_key,
        play_of_source.name_rank,
        near_observation.observed_at,
        play_of_source.play_number
) as claimed
group by claimed.play_number;

analyze kept_play;

create temporary table resolved_play on commit drop as
select
    joined_play.play_number,
    kept_play.play_key is null as is_new,
    coalesce(
        kept_play.play_key,
        nextval(pg_get_serial_sequence('listening.fact_play', 'play_key'))
    ) as play_key,
    joined_play.played_at,
    joined_play.track_key,
    dim_date.date_key,
    (date_part('hour', local.played_at) * 60 + date_part('minute', local.played_at))::smallint as time_key,
    joined_play.context_key,
    joined_play.device_key,
    profile_key.play_profile_key,
    joined_play.ms_played
from (
    select joined_play.*
    from joined_play
    order by
        joined_play.played_at,
        joined_play.play_number
) as joined_play
left join kept_play on kept_play.play_number = joined_play.play_number
inner join profile_key
    on
        profile_key.given_profile_key = joined_play.play_profile_key
        and profile_key.sources = joined_play.sources
        and profile_key.ms_basis is not distinct from joined_play.ms_basis
inner join listening.dim_listener on dim_listener.listener_key = :listener_key
cross join lateral (select joined_play.played_at at time zone dim_listener.time_zone as played_at) as local
inner join listening.dim_date on dim_date.full_date = local.played_at::date;

analyze resolved_play;
