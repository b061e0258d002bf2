-- What is recorded near the batch, taken apart again into what each source told: one row a play and source. Near is an hour, round
-- each play of the batch, round the end that its beginning gives it (an export may date it days later), and round the plays of
-- tracks that the batch tells more of. And near are known plays whose own beginning says that they really ended near.

create temporary table span on commit drop as
with met as (
    select date_trunc('hour', staged_report.told_at) as hour_at
    from staged_report
    union
    select date_trunc('hour', staged_report.started_at + staged_report.ms_played * interval '1 millisecond')
    from staged_report
    where staged_report.started_at + staged_report.ms_played * interval '1 millisecond' < staged_report.told_at - interval '30 minutes'
    union
    select date_trunc('hour', fact_play.played_at)
    from listening.fact_play
    where
        exists (select 1 from changed_track)
        and fact_play.listener_key = :listener_key
        and (
            fact_play.track_key in (select changed_track.track_key from changed_track)
            or fact_play.recently_played_track_key in (select changed_track.track_key from changed_track)
            or fact_play.extended_export_track_key in (select changed_track.track_key from changed_track)
            or fact_play.account_export_track_key in (select changed_track.track_key from changed_track)
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

create temporary table known_play on commit drop as
with near_play as (
    select
        fact_play.play_key,
        fact_play.played_at
    from span
    inner join listening.fact_play
        on
            fact_play.listener_key = :listener_key
            and fact_play.played_at >= span.starts_at
            and fact_play.played_at <= span.ends_at
    union
    select
        fact_play.play_key,
        fact_play.played_at
    from listening.fact_play
    inner join span
        on
            fact_play.played_at + (fact_play.start_offset_ms + fact_play.ms_played::bigint) * interval '1 millisecond'
            between span.starts_at and span.ends_at
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at >= (select min(first.starts_at) from span as first)
        and fact_play.played_at <= (select max(last.ends_at) + interval '31 days' from span as last)
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

create temporary table known_report on commit drop as
with told as (
    select
        known_play.play_key,
        known_play.played_at as known_at,
        told.source,
        told.rank,
        coalesce(told.track_key, known_play.track_key) as track_key,
        told.told_at,
        told.last_told_at,
        known_play.played_at + known_play.start_offset_ms * interval '1 millisecond' as started_at,
        known_play.ms_played,
        known_play.context_key,
        known_play.device_key,
        dim_play_profile.reason_start,
        dim_play_profile.reason_end,
        dim_play_profile.is_shuffle,
        dim_play_profile.is_skipped,
        dim_play_profile.is_offline,
        dim_play_profile.is_private,
        dim_play_profile.country_code
    from known_play
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = known_play.play_profile_key
    cross join lateral (
        select known_play.played_at + coalesce(known_play.extended_export_offset_ms, 0) * interval '1 millisecond' as exported_at
    ) as exported
    cross join lateral (
        values
        (
            'extended_export', 1, dim_play_profile.has_extended_export, known_play.extended_export_track_key,
            exported.exported_at,
            greatest(
                exported.exported_at,
                known_play.played_at + known_play.extended_export_last_offset_ms * interval '1 millisecond'
            )
        ),
        (
            'recently_played', 2, dim_play_profile.has_recently_played, known_play.recently_played_track_key,
            known_play.played_at,
            known_play.played_at + coalesce(known_play.recently_played_offset_ms, 0) * interval '1 millisecond'
        ),
        (
            'account_export', 3, dim_play_profile.has_account_export, known_play.account_export_track_key,
            coalesce(
                known_play.played_at + known_play.account_export_offset_ms * interval '1 millisecond',
                date_trunc('minute', exported.exported_at)
            ),
            null
        )
    ) as told (source, rank, is_told, track_key, told_at, last_told_at)
    where told.is_told
)
select
    told.*,
    coalesce(dim_track.recording_key, dim_track.track_key) as recording_key,
    dim_track.track_id is not null as has_id,
    told.rank = min(told.rank) over (partition by told.play_key) as is_primary
from told
inner join listening.dim_track on dim_track.track_key = told.track_key;

analyze known_report (source, play_key, track_key, recording_key, told_at, ms_played);
