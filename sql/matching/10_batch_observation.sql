-- The batch: one row per observation, with the keys of the dimensions.

create temporary table detail on commit drop as
select
    staging_play_detail.detail_number,
    coalesce(dim_device.device_key, 0) as device_key
from staging_play_detail
left join listening.dim_device
    on
        dim_device.device_key <> 0
        and dim_device.device_id is not distinct from staging_play_detail.device_id
        and dim_device.device_name is not distinct from staging_play_detail.device_name
        and dim_device.device_type is not distinct from staging_play_detail.device_type
        and dim_device.platform is not distinct from staging_play_detail.platform;

create temporary table batch_observation on commit drop as
select
    staging_play.item_number,
    staging_play.file_number,
    staging_play.source,
    coalesce(dim_track.track_key, 0) as track_key,
    coalesce(dim_track.recording_key, dim_track.track_key, 0) as recording_key,
    dim_track.track_id is not null as has_id,
    staging_play.played_at as observed_at,
    staging_play.started_at,
    staging_play.ms_played,
    coalesce(dim_context.context_key, 0) as context_key,
    coalesce(detail.device_key, 0) as device_key,
    staging_play_detail.reason_start,
    staging_play_detail.reason_end,
    staging_play_detail.is_shuffle,
    staging_play_detail.is_skipped,
    staging_play_detail.is_offline,
    staging_play_detail.is_private,
    staging_play_detail.country_code
from staging_play
left join listening.dim_track on dim_track.track_uri = staging_play.track_uri
left join listening.dim_context on dim_context.context_uri = staging_play.context_uri
left join staging_play_detail on staging_play_detail.detail_number = staging_play.detail_number
left join detail on detail.detail_number = staging_play.detail_number;

analyze batch_observation (item_number, source, track_key, recording_key, observed_at, ms_played);
