-- The plays of the batch with their keys.

create temporary table staged_report on commit drop as
select
    staging_play.item_number,
    staging_play.file_number,
    staging_play.source,
    coalesce(dim_track.track_key, 0) as track_key,
    coalesce(dim_track.recording_key, dim_track.track_key, 0) as recording_key,
    dim_track.track_id is not null as has_id,
    staging_play.played_at as told_at,
    staging_play.started_at,
    staging_play.ms_played,
    coalesce(dim_context.context_key, 0) as context_key,
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
        concat_ws(chr(10), dim_device.platform, dim_device.device_id, dim_device.device_name, dim_device.device_type)
        = concat_ws(chr(10), staging_play.platform, staging_play.device_id, staging_play.device_name, staging_play.device_type)
        and dim_device.device_id is not distinct from staging_play.device_id
        and dim_device.device_name is not distinct from staging_play.device_name
        and dim_device.device_type is not distinct from staging_play.device_type
        and dim_device.platform is not distinct from staging_play.platform;

analyze staged_report;
