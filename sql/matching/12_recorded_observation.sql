-- The plays recorded near the batch, split back into what each source reported: one row per play and source. Near means
-- within an hour of an observation of the batch, of the end computed from its start (an export may date a play days
-- late), or of a play of a track in tracks_to_rematch. Also near are recorded plays whose own start says they ended
-- there.

create temporary table nearby_span on commit drop as
with met as (
    select date_trunc('hour', batch_observation.observed_at) as hour_at
    from batch_observation
    union
    select date_trunc('hour', batch_observation.started_at + batch_observation.ms_played * interval '1 millisecond')
    from batch_observation
    where
        batch_observation.started_at + batch_observation.ms_played * interval '1 millisecond'
        < batch_observation.observed_at - interval '30 minutes'
    union
    select date_trunc('hour', fact_play.played_at)
    from listening.fact_play
    where
        exists (select 1 from tracks_to_rematch)
        and fact_play.listener_key = :listener_key
        and (
            fact_play.track_key in (select tracks_to_rematch.track_key from tracks_to_rematch)
            or fact_play.recently_played_track_key in (select tracks_to_rematch.track_key from tracks_to_rematch)
            or fact_play.extended_export_track_key in (select tracks_to_rematch.track_key from tracks_to_rematch)
            or fact_play.account_export_track_key in (select tracks_to_rematch.track_key from tracks_to_rematch)
        )
),
spaced as (
    select
        met.hour_at,
        coalesce(met.hour_at - lag(met.hour_at) over (order by met.hour_at) > interval '3 hours', true) as is_apart
    from met
),
numbered as (
    select
        spaced.hour_at,
        count(*) filter (where spaced.is_apart) over (order by spaced.hour_at) as span_number
    from spaced
)
select
    min(numbered.hour_at) - interval '1 hour' as starts_at,
    max(numbered.hour_at) + interval '2 hours' as ends_at
from numbered
group by numbered.span_number;

create temporary table recorded_play on commit drop as
with near_play as (
    select
        fact_play.play_key,
        fact_play.played_at
    from nearby_span
    inner join listening.fact_play
        on
            fact_play.listener_key = :listener_key
            and fact_play.played_at >= nearby_span.starts_at
            and fact_play.played_at <= nearby_span.ends_at
    union
    select
        fact_play.play_key,
        fact_play.played_at
    from listening.fact_play
    inner join nearby_span
        on
            fact_play.played_at + (fact_play.start_offset_ms + fact_play.ms_played::bigint) * interval '1 millisecond'
            between nearby_span.starts_at and nearby_span.ends_at
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at >= (select min(first.starts_at) from nearby_span as first)
        and fact_play.played_at <= (select max(last.ends_at) + interval '31 days' from nearby_span as last)
        and fact_play.start_offset_ms + fact_play.ms_played::bigint < -1800000
)
select
    fact_play.play_key,
    fact_play.played_at,
    fact_play.listener_key,
    fact_play.track_key,
    fact_play.date_key,
    fact_play.time_key,
    fact_play.context_key,
    fact_play.device_key,
    fact_play.play_profile_key,
    fact_play.ms_played,
    fact_play.recently_played_offset_ms,
    fact_play.extended_export_offset_ms,
    fact_play.extended_export_last_offset_ms,
    fact_play.account_export_offset_ms,
    fact_play.start_offset_ms,
    fact_play.recently_played_track_key,
    fact_play.extended_export_track_key,
    fact_play.account_export_track_key
from near_play
inner join listening.fact_play
    on
        fact_play.listener_key = :listener_key
        and fact_play.played_at = near_play.played_at
        and fact_play.play_key = near_play.play_key;

create temporary table recorded_observation on commit drop as
with observation as (
    select
        recorded_play.play_key,
        recorded_play.played_at as known_at,
        observation.source,
        observation.rank,
        coalesce(observation.track_key, recorded_play.track_key) as track_key,
        observation.observed_at,
        observation.last_observed_at,
        recorded_play.played_at + recorded_play.start_offset_ms * interval '1 millisecond' as started_at,
        recorded_play.ms_played,
        recorded_play.context_key,
        recorded_play.device_key,
        dim_play_profile.reason_start,
        dim_play_profile.reason_end,
        dim_play_profile.is_shuffle,
        dim_play_profile.is_skipped,
        dim_play_profile.is_offline,
        dim_play_profile.is_private,
        dim_play_profile.country_code
    from recorded_play
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = recorded_play.play_profile_key
    cross join lateral (
        select
            recorded_play.played_at
            + coalesce(recorded_play.extended_export_offset_ms, 0) * interval '1 millisecond' as exported_at
    ) as exported
    cross join lateral (
        values
        (
            'extended_export', 1, dim_play_profile.has_extended_export, recorded_play.extended_export_track_key,
            exported.exported_at,
            greatest(
                exported.exported_at,
                recorded_play.played_at + recorded_play.extended_export_last_offset_ms * interval '1 millisecond'
            )
        ),
        (
            'recently_played', 2, dim_play_profile.has_recently_played, recorded_play.recently_played_track_key,
            recorded_play.played_at,
            recorded_play.played_at + coalesce(recorded_play.recently_played_offset_ms, 0) * interval '1 millisecond'
        ),
        (
            'account_export', 3, dim_play_profile.has_account_export, recorded_play.account_export_track_key,
            coalesce(
                recorded_play.played_at + recorded_play.account_export_offset_ms * interval '1 millisecond',
                date_trunc('minute', exported.exported_at)
            ),
            null
        )
    ) as observation (source, rank, is_reported, track_key, observed_at, last_observed_at)
    where observation.is_reported
)
select
    observation.*,
    coalesce(dim_track.recording_key, dim_track.track_key) as recording_key,
    dim_track.track_id is not null as has_id,
    observation.rank = min(observation.rank) over (partition by observation.play_key) as is_primary
from observation
inner join listening.dim_track on dim_track.track_key = observation.track_key;

analyze recorded_observation (source, play_key, track_key, recording_key, observed_at, ms_played);
