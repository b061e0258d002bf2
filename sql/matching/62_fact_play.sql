-- Grain: one listen. The listens that no known play is.

with recorded as (
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
        since_previous_ms,
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
        listen.track_key,
        listen.date_key,
        listen.time_key,
        listen.context_key,
        listen.device_key,
        profile_key.play_profile_key,
        listen.played_at,
        listen.ms_played,
        listen.since_previous_ms,
        listen.recently_played_offset_ms,
        listen.extended_export_offset_ms,
        listen.extended_export_last_offset_ms,
        listen.account_export_offset_ms,
        listen.start_offset_ms,
        listen.recently_played_track_key,
        listen.extended_export_track_key,
        listen.account_export_track_key
    from listen
    inner join profile_key on profile_key.profile = listen.profile
    where listen.play_key is null
    order by
        listen.played_at,
        listen.listen_number
    returning play_key
)
select count(*)::integer as play_count
from recorded
