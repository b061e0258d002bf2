-- Update the planner statistics after a large load: autovacuum gets to it a minute or more later.
analyze
    listening.fact_play,
    listening.observation,
    listening.dim_track,
    listening.dim_album,
    listening.dim_artist,
    listening.bridge_track_artist,
    listening.dim_play_profile
