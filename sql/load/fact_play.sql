-- Grain: one listen. The listens that no known play is.

insert into listening.fact_play (
    listener_key,
    track_key,
    date_key,
    time_key,
    context_key,
    device_key,
    play_profile_key,
    played_at,
    ms_played,
    recently_played_offset_ms,
    extended_export_offset_ms,
    extended_export_last_offset_ms,
    account_export_offset_ms,
    start_offset_ms,
    recently_played_track_key,
    extended_export_track_key,
    account_export_track_key
)
select
    :listener_key,
    play_row.track_key,
    play_row.date_key,
    play_row.time_key,
    play_row.context_key,
    play_row.device_key,
    profile_key.play_profile_key,
    play_row.played_at,
    play_row.ms_played,
    play_row.recently_played_offset_ms,
    play_row.extended_export_offset_ms,
    play_row.extended_export_last_offset_ms,
    play_row.account_export_offset_ms,
    play_row.start_offset_ms,
    play_row.recently_played_track_key,
    play_row.extended_export_track_key,
    play_row.account_export_track_key
from play_row
inner join profile_key on profile_key.profile = play_row.profile
where play_row.play_key is null
order by
    play_row.played_at,
    play_row.listen_number
returning play_key;
