-- Delete plays for which only the time was recorded and which the list now reports with their track. The new row
-- replaces them.
delete from listening.fact_play
using
    staging_play,
    listening.dim_play_profile
where
    fact_play.listener_key = :listener_key
    and fact_play.track_key = 0
    and staging_play.source = 'recently_played'
    and staging_play.track_uri is not null
    and fact_play.played_at = staging_play.played_at
    and dim_play_profile.play_profile_key = fact_play.play_profile_key
    and dim_play_profile.has_recently_played
    and not dim_play_profile.has_extended_export
    and not dim_play_profile.has_account_export
