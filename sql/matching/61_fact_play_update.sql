-- Update recorded plays about which the batch says more. Rows that would not change are not written.

update listening.fact_play
set
    played_at = resolved_play.played_at,
    track_key = resolved_play.track_key,
    date_key = resolved_play.date_key,
    time_key = resolved_play.time_key,
    context_key = resolved_play.context_key,
    device_key = resolved_play.device_key,
    play_profile_key = profile_key.play_profile_key,
    ms_played = resolved_play.ms_played,
    recently_played_offset_ms = resolved_play.recently_played_offset_ms,
    extended_export_offset_ms = resolved_play.extended_export_offset_ms,
    extended_export_last_offset_ms = resolved_play.extended_export_last_offset_ms,
    account_export_offset_ms = resolved_play.account_export_offset_ms,
    start_offset_ms = resolved_play.start_offset_ms,
    recently_played_track_key = resolved_play.recently_played_track_key,
    extended_export_track_key = resolved_play.extended_export_track_key,
    account_export_track_key = resolved_play.account_export_track_key
from resolved_play
inner join profile_key on profile_key.profile = resolved_play.profile
inner join recorded_play on recorded_play.play_key = resolved_play.play_key
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = recorded_play.played_at
    and fact_play.play_key = recorded_play.play_key
    and (
        recorded_play.played_at,
        recorded_play.track_key,
        recorded_play.date_key,
        recorded_play.time_key,
        recorded_play.context_key,
        recorded_play.device_key,
        recorded_play.play_profile_key,
        recorded_play.ms_played,
        recorded_play.recently_played_offset_ms,
        recorded_play.extended_export_offset_ms,
        recorded_play.extended_export_last_offset_ms,
        recorded_play.account_export_offset_ms,
        recorded_play.start_offset_ms,
        recorded_play.recently_played_track_key,
        recorded_play.extended_export_track_key,
        recorded_play.account_export_track_key
    ) is distinct from (
        resolved_play.played_at,
        resolved_play.track_key,
        resolved_play.date_key,
        resolved_play.time_key,
        resolved_play.context_key,
        resolved_play.device_key,
        profile_key.play_profile_key,
        resolved_play.ms_played,
        resolved_play.recently_played_offset_ms,
        resolved_play.extended_export_offset_ms,
        resolved_play.extended_export_last_offset_ms,
        resolved_play.account_export_offset_ms,
        resolved_play.start_offset_ms,
        resolved_play.recently_played_track_key,
        resolved_play.extended_export_track_key,
        resolved_play.account_export_track_key
    );
