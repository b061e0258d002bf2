-- Known plays that the batch says more of. Rows that would not change are left alone.

update listening.fact_play
set
    played_at = listen.played_at,
    track_key = listen.track_key,
    date_key = listen.date_key,
    time_key = listen.time_key,
    context_key = listen.context_key,
    device_key = listen.device_key,
    play_profile_key = profile_key.play_profile_key,
    ms_played = listen.ms_played,
    recently_played_offset_ms = listen.recently_played_offset_ms,
    extended_export_offset_ms = listen.extended_export_offset_ms,
    extended_export_last_offset_ms = listen.extended_export_last_offset_ms,
    account_export_offset_ms = listen.account_export_offset_ms,
    start_offset_ms = listen.start_offset_ms,
    recently_played_track_key = listen.recently_played_track_key,
    extended_export_track_key = listen.extended_export_track_key,
    account_export_track_key = listen.account_export_track_key
from listen
inner join profile_key on profile_key.profile = listen.profile
inner join known_play on known_play.play_key = listen.play_key
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
        listen.played_at,
        listen.track_key,
        listen.date_key,
        listen.time_key,
        listen.context_key,
        listen.device_key,
        profile_key.play_profile_key,
        listen.ms_played,
        listen.recently_played_offset_ms,
        listen.extended_export_offset_ms,
        listen.extended_export_last_offset_ms,
        listen.account_export_offset_ms,
        listen.start_offset_ms,
        listen.recently_played_track_key,
        listen.extended_export_track_key,
        listen.account_export_track_key
    );
