-- Known plays that the batch says more of. Rows that would not change are left alone.

update listening.fact_play
set
    played_at = play_row.played_at,
    track_key = play_row.track_key,
    date_key = play_row.date_key,
    time_key = play_row.time_key,
    context_key = play_row.context_key,
    device_key = play_row.device_key,
    play_profile_key = profile_key.play_profile_key,
    ms_played = play_row.ms_played,
    recently_played_offset_ms = play_row.recently_played_offset_ms,
    extended_export_offset_ms = play_row.extended_export_offset_ms,
    extended_export_last_offset_ms = play_row.extended_export_last_offset_ms,
    account_export_offset_ms = play_row.account_export_offset_ms,
    start_offset_ms = play_row.start_offset_ms,
    recently_played_track_key = play_row.recently_played_track_key,
    extended_export_track_key = play_row.extended_export_track_key,
    account_export_track_key = play_row.account_export_track_key
from play_row
inner join profile_key on profile_key.profile = play_row.profile
inner join known_play on known_play.play_key = play_row.play_key
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = known_play.played_at
    and fact_play.play_key = known_play.play_key
    and (
        known_play.played_at,
        known_play.track_key,
        known_play.date_key,
        known_play.time_key,
        known_play.context_key,
        known_play.device_key,
        known_play.play_profile_key,
        known_play.ms_played,
        known_play.recently_played_offset_ms,
        known_play.extended_export_offset_ms,
        known_play.extended_export_last_offset_ms,
        known_play.account_export_offset_ms,
        known_play.start_offset_ms,
        known_play.recently_played_track_key,
        known_play.extended_export_track_key,
        known_play.account_export_track_key
    ) is distinct from (
        play_row.played_at,
        play_row.track_key,
        play_row.date_key,
        play_row.time_key,
        play_row.context_key,
        play_row.device_key,
        profile_key.play_profile_key,
        play_row.ms_played,
        play_row.recently_played_offset_ms,
        play_row.extended_export_offset_ms,
        play_row.extended_export_last_offset_ms,
        play_row.account_export_offset_ms,
        play_row.start_offset_ms,
        play_row.recently_played_track_key,
        play_row.extended_export_track_key,
        play_row.account_export_track_key
    )
returning fact_play.play_key;
