-- What the player recorder knows of its new observations besides listening.observation.
insert into listening.player_observation (
    observed_at,
    listener_key,
    track_key,
    sequence,
    start_basis,
    end_basis,
    start_within_ms,
    end_within_ms,
    ms_within,
    progress_ms,
    pause_count,
    seek_count,
    device_change_count,
    is_complete,
    is_smart_shuffle,
    repeat_mode
)
select
    near_observation.observed_at,
    :listener_key,
    near_observation.track_key,
    near_observation.sequence,
    staging_player.start_basis,
    staging_player.end_basis,
    staging_player.start_within_ms,
    staging_player.end_within_ms,
    staging_player.ms_within,
    staging_player.progress_ms,
    staging_player.pause_count,
    staging_player.seek_count,
    staging_player.device_change_count,
    staging_player.is_complete,
    staging_player.is_smart_shuffle,
    staging_player.repeat_mode
from near_observation
inner join staging_player on staging_player.item_number = near_observation.item_number
where near_observation.is_new
on conflict do nothing
