-- After a large load the planner has to learn what there is now: Postgres itself comes round to it a minute or more later.
analyze
    listening.fact_play,
    listening.dim_track,
    listening.dim_album,
    listening.dim_artist,
    listening.bridge_track_artist,
    listening.dim_play_profile
