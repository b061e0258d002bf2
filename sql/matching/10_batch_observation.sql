-- The batch: one row for each row of the staging table, with the keys of the dimensions, and the play whose recorded
-- observation says the same.

create temporary table detail on commit drop as
select
    staged.source,
    staged.detail_number,
    source.source_key,
    source.ms_basis,
    source.ms_rank is not null as gives_ms,
    coalesce(source.coverage, 'none') not in ('window', 'watched') as is_imported,
    coalesce(dim_device.device_key, 0) as device_key,
    staging_play_detail.reason_start,
    staging_play_detail.reason_end,
    staging_play_detail.is_shuffle,
    staging_play_detail.is_skipped,
    staging_play_detail.is_offline,
    staging_play_detail.is_private,
    staging_play_detail.country_code
from (
    select distinct
        staging_play.source,
        staging_play.detail_number
    from staging_play
) as staged
inner join listening.source on source.source_name = staged.source
left join staging_play_detail on staging_play_detail.detail_number = staged.detail_number
left join listening.dim_device
    on
        dim_device.device_key <> 0
        and dim_device.device_id is not distinct from staging_play_detail.device_id
        and dim_device.device_name is not distinct from staging_play_detail.device_name
        and dim_device.device_type is not distinct from staging_play_detail.device_type
        and dim_device.platform is not distinct from staging_play_detail.platform;

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
    detail.reason_start,
    detail.reason_end,
    detail.is_shuffle,
    detail.is_skipped,
    detail.is_offline,
    detail.is_private,
    detail.country_code,
    detail.ms_basis,
    array[detail.source]
from detail
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

create temporary table detail_key on commit drop as
select
    detail.source,
    detail.source_key,
    detail.detail_number,
    detail.gives_ms,
    detail.is_imported,
    detail.device_key,
    dim_play_profile.play_profile_key
from detail
inner join listening.dim_play_profile
    on
        dim_play_profile.sources = array[detail.source]
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
            detail.reason_start,
            detail.reason_end,
            detail.is_shuffle,
            detail.is_skipped,
            detail.is_offline,
            detail.is_private,
            detail.country_code,
            detail.ms_basis
        );

create temporary table batch_observation on commit drop as
select
    staging_play.item_number,
    staging_play.file_number,
    detail_key.source_key,
    coalesce(dim_track.track_key, 0) as track_key,
    staging_play.played_at as observed_at,
    staging_play.started_at,
    -- a source that never gives milliseconds may come back from an export of ours with an estimate
    case when detail_key.gives_ms then staging_play.ms_played end as ms_played,
    coalesce(dim_context.context_key, 0) as context_key,
    detail_key.device_key,
    detail_key.play_profile_key,
    observation.play_key as recorded_play_key,
    observation.import_set_key as recorded_set_key,
    observation.sequence as recorded_sequence,
    -- What a list or a recorder says belongs to no import: it may say it again at any time. But that of a listener who
    -- was merged into this one belongs to the merge.
    case
        when detail_key.is_imported then (cast(:import_sets as integer[]))[staging_play.file_number + 1]
        else cast(:merge_set as integer)
    end as import_set_key
from staging_play
inner join detail_key
    on
        detail_key.source = staging_play.source
        and coalesce(detail_key.detail_number, -1) = coalesce(staging_play.detail_number, -1)
left join listening.dim_track on dim_track.track_uri = staging_play.track_uri
left join listening.dim_context on dim_context.context_uri = staging_play.context_uri
left join listening.observation
    on
        observation.listener_key = :listener_key
        and observation.source_key = detail_key.source_key
        and observation.observed_at = staging_play.played_at
        and observation.track_key = coalesce(dim_track.track_key, 0)
        and observation.started_at is not distinct from staging_play.started_at
        and observation.ms_played is not distinct from case when detail_key.gives_ms then staging_play.ms_played end
        and observation.context_key = coalesce(dim_context.context_key, 0)
        and observation.device_key = detail_key.device_key
        and observation.play_profile_key = detail_key.play_profile_key;

analyze batch_observation;
