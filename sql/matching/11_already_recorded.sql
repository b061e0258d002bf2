-- Remove export rows that say nothing new from the batch: a recorded play has all of it from an export of the same
-- kind. So importing an export again, or a newer one of the same years, costs little more than reading it.

create temporary table already_recorded on commit drop as
with batch as (
    select
        min(batch_observation.observed_at) - interval '31 days' as starts_at,
        max(batch_observation.observed_at) + interval '31 days' as ends_at
    from batch_observation
    where batch_observation.source <> 'recently_played'
),
known as (
    select
        fact_play.play_key,
        fact_play.played_at,
        coalesce(fact_play.extended_export_track_key, fact_play.track_key) as exported_track_key,
        fact_play.played_at
        + coalesce(fact_play.extended_export_offset_ms, 0) * interval '1 millisecond' as exported_at,
        fact_play.played_at + fact_play.extended_export_last_offset_ms * interval '1 millisecond' as last_exported_at,
        coalesce(fact_play.account_export_track_key, fact_play.track_key) as minuted_track_key,
        fact_play.played_at + fact_play.account_export_offset_ms * interval '1 millisecond' as minuted_at,
        fact_play.played_at + fact_play.start_offset_ms * interval '1 millisecond' as started_at,
        fact_play.ms_played,
        fact_play.device_key,
        dim_play_profile.reason_start,
        dim_play_profile.reason_end,
        dim_play_profile.is_shuffle,
        dim_play_profile.is_skipped,
        dim_play_profile.is_offline,
        dim_play_profile.is_private,
        dim_play_profile.country_code,
        dim_play_profile.has_extended_export,
        dim_play_profile.has_account_export
    from listening.fact_play
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at >= (select batch.starts_at from batch)
        and fact_play.played_at <= (select batch.ends_at from batch)
),
exported as (
    select
        known.*,
        known.exported_at as observed_at
    from known
    where known.has_extended_export
    union all
    select
        known.*,
        known.last_exported_at
    from known
    where
        known.has_extended_export
        and known.last_exported_at > known.exported_at
)
select
    batch_observation.item_number,
    exported.play_key
from batch_observation
inner join exported
    on
        exported.observed_at = batch_observation.observed_at
        and exported.exported_track_key = batch_observation.track_key
        and exported.ms_played = batch_observation.ms_played
        and exported.device_key = batch_observation.device_key
        and (
            exported.reason_start, exported.reason_end, exported.country_code,
            exported.is_shuffle, exported.is_skipped, exported.is_offline, exported.is_private
        ) is not distinct from (
            batch_observation.reason_start, batch_observation.reason_end, batch_observation.country_code,
            batch_observation.is_shuffle, batch_observation.is_skipped,
            batch_observation.is_offline, batch_observation.is_private
        )
        and coalesce(exported.started_at = batch_observation.started_at, batch_observation.started_at is null)
where batch_observation.source = 'extended_export'
union all
select
    batch_observation.item_number,
    min(known.play_key)
from batch_observation
inner join known
    on
        known.has_account_export
        and coalesce(known.minuted_at, date_trunc('minute', known.exported_at)) = batch_observation.observed_at
        and known.ms_played = batch_observation.ms_played
        and (known.minuted_track_key = 0) = (batch_observation.track_key = 0)
        and (
            known.minuted_track_key = batch_observation.track_key
            or exists (
                select 1
                from listening.track_namesake
                where
                    track_namesake.track_key = batch_observation.track_key
                    and track_namesake.namesake_track_key = known.minuted_track_key
            )
        )
where batch_observation.source = 'account_export'
group by batch_observation.item_number;

create temporary table batch_count on commit drop as
select
    batch_observation.file_number,
    count(*) as row_count,
    count(first_row.item_number) as known_count
from batch_observation
left join (
    select distinct first.item_number
    from (
        select min(already_recorded.item_number) as item_number
        from already_recorded
        inner join batch_observation as observation on observation.item_number = already_recorded.item_number
        group by
            already_recorded.play_key,
            observation.source
    ) as first
) as first_row on first_row.item_number = batch_observation.item_number
group by batch_observation.file_number;

delete from batch_observation
using already_recorded
where already_recorded.item_number = batch_observation.item_number;
