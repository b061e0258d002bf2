-- The plays: the source plays of each, resolved into one row. The source of the lowest rank (listening.source) decides
-- each attribute: the date; the track, among those with an id if there are any; the milliseconds; the context; and
-- device, reasons and flags. A source has one play in a play, except for one that was left over (32_match_repeats.sql),
-- which gives way to it. So the lowest rank is one row: rank and value are compared as one number, the value in its
-- lower half.
--
-- A date that is that of an upload gives way to the end that start and milliseconds give (21_late_date.sql).

create temporary table joined_play on commit drop as
select
    source_play.source_play_number as play_number,
    coalesce(source_play.ends_at, source_play.observed_at) as played_at,
    source_play.track_key,
    source_play.ms_played,
    case when source_play.ms_played is not null then source_play.source_key end as ms_source_key,
    source_play.context_key,
    source_play.device_key,
    source_play.play_profile_key as given_profile_key,
    1::bigint << source_play.source_key as source_bits
from source_play
where
    not exists (
        select 1
        from play_member
        where play_member.source_play_number = source_play.source_play_number
    )
union all
select
    together.play_number,
    case
        when together.ends_at < dated.dated_at - interval '1 minute' then together.ends_at
        else dated.dated_at
    end,
    (together.ranked_track & 4294967295)::integer,
    (together.ranked_ms & 4294967295)::integer,
    ((together.ranked_ms >> 32) & 127)::smallint,
    coalesce(together.ranked_context & 4294967295, 0)::integer,
    coalesce(together.ranked_device & 4294967295, 0)::integer,
    (together.ranked_profile & 4294967295)::integer,
    together.source_bits
from (
    select
        play_member.play_number,
        min((ranked.date_rank << 32) | source_play.source_play_number) as ranked_date,
        min(source_play.ends_at) filter (where not ranked.dates_start) as ends_at,
        min(
            (case when source_play.track_key = 0 then 2::bigint when not source_play.has_id then 1 else 0 end << 48)
            | (ranked.name_rank << 32)
            | source_play.track_key
        ) as ranked_track,
        min((ranked.ms_rank << 40) | (source_play.source_key::bigint << 32) | source_play.ms_played) as ranked_ms,
        min((ranked.context_rank << 32) | source_play.context_key)
        filter (where source_play.context_key <> 0) as ranked_context,
        min((ranked.device_rank << 32) | source_play.device_key)
        filter (where source_play.device_key <> 0) as ranked_device,
        min((coalesce(ranked.profile_rank, 1024) << 32) | source_play.play_profile_key) as ranked_profile,
        bit_or(1::bigint << source_play.source_key) as source_bits
    from play_member
    inner join source_play on source_play.source_play_number = play_member.source_play_number
    inner join (
        select
            source.source_key,
            source.dates = 'start' as dates_start,
            one.is_left_over,
            source.date_rank::bigint * 2 + one.place as date_rank,
            source.name_rank::bigint * 2 + one.place as name_rank,
            source.ms_rank::bigint * 2 + one.place as ms_rank,
            source.context_rank::bigint * 2 + one.place as context_rank,
            source.device_rank::bigint * 2 + one.place as device_rank,
            source.profile_rank::bigint * 2 + one.place as profile_rank
        from listening.source
        cross join (values (false, 0), (true, 1)) as one (is_left_over, place)
    ) as ranked
        on
            ranked.source_key = source_play.source_key
            and ranked.is_left_over = play_member.is_left_over
    group by play_member.play_number
) as together
inner join (
    select
        source_play.source_play_number,
        coalesce(source_play.ends_at, source_play.observed_at) as dated_at
    from source_play
) as dated on dated.source_play_number = (together.ranked_date & 4294967295);

analyze joined_play;

-- Reasons, flags and sources together, which few combinations share.
create temporary table profile_met on commit drop as
select
    met.given_profile_key,
    met.source_bits,
    met.ms_source_key,
    source.ms_basis,
    array(
        select given.source_name
        from listening.source as given
        where (met.source_bits >> given.source_key) & 1 = 1
        order by given.source_name
    ) as sources
from (
    select
        joined_play.given_profile_key,
        joined_play.source_bits,
        joined_play.ms_source_key
    from joined_play
    group by
        joined_play.given_profile_key,
        joined_play.source_bits,
        joined_play.ms_source_key
) as met
left join listening.source on source.source_key = met.ms_source_key;

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
    given.reason_start,
    given.reason_end,
    given.is_shuffle,
    given.is_skipped,
    given.is_offline,
    given.is_private,
    given.country_code,
    profile_met.ms_basis,
    profile_met.sources
from profile_met
inner join listening.dim_play_profile as given on given.play_profile_key = profile_met.given_profile_key
where
    given.sources <> profile_met.sources
    or given.ms_played_basis is distinct from profile_met.ms_basis
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
    profile_met.source_bits,
    coalesce(profile_met.ms_source_key, 0) as ms_source_key,
    dim_play_profile.play_profile_key
from profile_met
inner join listening.dim_play_profile as given on given.play_profile_key = profile_met.given_profile_key
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
            given.reason_start,
            given.reason_end,
            given.is_shuffle,
            given.is_skipped,
            given.is_offline,
            given.is_private,
            given.country_code,
            profile_met.ms_basis
        );

-- Which recorded play each of them is. Where observations of one recorded play belong to two by now, its best source
-- decides.
create temporary table kept_play on commit drop as
select
    claimed.play_number,
    min(claimed.play_key) as play_key
from (
    select distinct on (claim.play_key)
        claim.play_key,
        claim.play_number
    from (
        select
            near_observation.play_key,
            coalesce(play_member.play_number, near_observation.source_play_number) as play_number,
            min(source.name_rank) as name_rank,
            min(near_observation.observed_at) as observed_at
        from near_observation
        inner join listening.source on source.source_key = near_observation.source_key
        left join play_member on play_member.source_play_number = near_observation.source_play_number
        where near_observation.play_key is not null
        group by
            near_observation.play_key,
            coalesce(play_member.play_number, near_observation.source_play_number)
    ) as claim
    order by
        claim.play_key,
        claim.name_rank,
        claim.observed_at,
        claim.play_number
) as claimed
group by claimed.play_number;

analyze kept_play;

-- In order of time. since_previous_ms is the time since the play before ended; what that was for the first play of a
-- span, 60_since_previous.sql finds. All plays of one moment were preceded by the same one; among themselves they stand
-- in the order of what they are, not of their keys.
create temporary table resolved_play on commit drop as
select
    spaced.play_number,
    spaced.kept_key is null as is_new,
    coalesce(
        spaced.kept_key,
        -- the name is looked up once, not for each play
        nextval((select pg_get_serial_sequence('listening.fact_play', 'play_key')::regclass))
    ) as play_key,
    spaced.played_at,
    spaced.track_key,
    dim_date.date_key,
    (date_part('hour', local.played_at) * 60 + date_part('minute', local.played_at))::smallint as time_key,
    spaced.context_key,
    spaced.device_key,
    profile_key.play_profile_key,
    spaced.ms_played,
    spaced.place,
    spaced.is_first,
    spaced.is_together,
    case
        when not spaced.is_first and spaced.since_previous_ms <= 86400000 then round(spaced.since_previous_ms)::integer
    end as since_previous_ms
from (
    select
        mixed.play_number,
        mixed.kept_key,
        mixed.played_at,
        mixed.track_key,
        mixed.ms_played,
        mixed.ms_source_key,
        mixed.context_key,
        mixed.device_key,
        mixed.given_profile_key,
        mixed.source_bits,
        row_number() over in_order as place,
        lag(mixed.play_number) over in_order is null as is_first,
        mixed.ms_played is null
        and lag(mixed.play_number) over in_order is not null
        and lag(mixed.ms_played) over in_order is null
        and mixed.played_at < lag(mixed.played_at) over in_order + interval '30 seconds' as is_together,
        date_part('epoch', mixed.played_at - lag(mixed.played_at) over in_order) * 1000 as since_previous_ms
    from (
        select
            joined_play.play_number,
            kept_play.play_key as kept_key,
            joined_play.played_at,
            joined_play.track_key,
            joined_play.ms_played,
            joined_play.ms_source_key,
            joined_play.context_key,
            joined_play.device_key,
            joined_play.given_profile_key,
            joined_play.source_bits,
            dim_track.track_uri
        from joined_play
        inner join listening.dim_track on dim_track.track_key = joined_play.track_key
        left join kept_play on kept_play.play_number = joined_play.play_number
        union all
        select
            null,
            null,
            nearby_span.starts_at,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null
        from nearby_span
    ) as mixed
    window in_order as (
        order by
            mixed.played_at,
            mixed.play_number is not null,
            mixed.ms_played nulls first,
            mixed.track_uri nulls first,
            mixed.kept_key,
            mixed.play_number
    )
) as spaced
inner join profile_key
    on
        profile_key.given_profile_key = spaced.given_profile_key
        and profile_key.source_bits = spaced.source_bits
        and profile_key.ms_source_key = coalesce(spaced.ms_source_key, 0)
inner join listening.dim_listener on dim_listener.listener_key = :listener_key
cross join lateral (select spaced.played_at at time zone dim_listener.time_zone as played_at) as local
-- a date that the calendar lacks is an error, not a play less
left join listening.dim_date on dim_date.full_date = local.played_at::date
order by spaced.place;

analyze resolved_play;
