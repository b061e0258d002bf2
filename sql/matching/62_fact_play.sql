-- Grain: one play. Insert the resolved plays that are not recorded yet, and count them.

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
        resolved_play.track_key,
        resolved_play.date_key,
        resolved_play.time_key,
        resolved_play.context_key,
        resolved_play.device_key,
        profile_key.play_profile_key,
        resolved_play.played_at,
        resolved_play.ms_played,
        resolved_play.since_previous_ms,
        resolved_play.recently_played_offset_ms,
        resolved_play.extended_export_offset_ms,
        resolved_play.extended_export_last_offset_ms,
        resolved_play.account_export_offset_ms,
        resolved_play.start_offset_ms,
        resolved_play.recently_played_track_key,
        resolved_play.extended_export_track_key,
        resolved_play.account_export_track_key
    from resolved_play
    inner join profile_key on profile_key.profile = resolved_play.profile
    where resolved_play.play_key is null
    order by
        resolved_play.played_at,
        resolved_play.resolved_number
    returning play_key
)
select count(*)::integer as play_count
from recorded
