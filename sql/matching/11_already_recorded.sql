-- Rows of exports that say nothing new: a known play has all of it from an export of the same kind. They go no further, so that an
-- export imported again, or a newer one of the same years, costs little more than reading it.

create temporary table told_before on commit drop as
with batch as (
    select
        min(staged_report.told_at) - interval '31 days' as starts_at,
        max(staged_report.told_at) + interval '31 days' as ends_at
    from staged_report
    where staged_report.source <> 'recently_played'
),
known as (
    select
        fact_play.play_key,
        fact_play.played_at,
        coalesce(fact_play.extended_export_track_key, fact_play.track_key) as exported_track_key,
        fact_play.played_at + coalesce(fact_play.extended_export_offset_ms, 0) * interval '1 millisecond' as exported_at,
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
        known.exported_at as told_at
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
    staged_report.item_number,
    exported.play_key
from staged_report
inner join exported
    on
        exported.told_at = staged_report.told_at
        and exported.exported_track_key = staged_report.track_key
        and exported.ms_played = staged_report.ms_played
        and exported.device_key = staged_report.device_key
        and (
            exported.reason_start, exported.reason_end, exported.country_code,
            exported.is_shuffle, exported.is_skipped, exported.is_offline, exported.is_private
        ) is not distinct from (
            staged_report.reason_start, staged_report.reason_end, staged_report.country_code,
            staged_report.is_shuffle, staged_report.is_skipped, staged_report.is_offline, staged_report.is_private
        )
        and coalesce(exported.started_at = staged_report.started_at, staged_report.started_at is null)
where staged_report.source = 'extended_export'
union all
select
    staged_report.item_number,
    min(known.play_key)
from staged_report
inner join known
    on
        known.has_account_export
        and coalesce(known.minuted_at, date_trunc('minute', known.exported_at)) = staged_report.told_at
        and known.ms_played = staged_report.ms_played
        and (known.minuted_track_key = 0) = (staged_report.track_key = 0)
        and (
            known.minuted_track_key = staged_report.track_key
            or exists (
                select 1
                from listening.track_alias as one
                inner join listening.track_alias as other on other.name_hash = one.name_hash
                where
                    one.track_key = staged_report.track_key
                    and other.track_key = known.minuted_track_key
            )
        )
where staged_report.source = 'account_export'
group by staged_report.item_number;

create temporary table read_report on commit drop as
select
    staged_report.file_number,
    count(*) as row_count,
    count(first_telling.item_number) as known_count
from staged_report
left join (
    select distinct first.item_number
    from (
        select min(told_before.item_number) as item_number
        from told_before
        inner join staged_report as told on told.item_number = told_before.item_number
        group by
            told_before.play_key,
            told.source
    ) as first
) as first_telling on first_telling.item_number = staged_report.item_number
group by staged_report.file_number;

delete from staged_report
using told_before
where told_before.item_number = staged_report.item_number;
