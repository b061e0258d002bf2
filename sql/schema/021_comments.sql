-- Comments in plainer words: sources report, and every command that leaves a row in ops.run is named.

comment on column ops.run.job is
    'The command: plays, dimensions, import, rebuild or record. daily-report: a report of the day before was due.';

comment on column listening.dim_album.label is 'Label when last reported; null where Spotify no longer reports it.';
comment on column listening.dim_album.popularity is
    '0 to 100 when last reported; null where Spotify no longer reports it.';
comment on column listening.dim_album.fetched_at is
    'When Spotify last reported what a report needs (type, date, cover). Null: inferred, worth completing.';
comment on column listening.dim_artist.genres is
    'Genres in lower case. Null: never reported. Empty: Spotify says there are none.';
comment on column listening.dim_artist.popularity is
    '0 to 100 when last reported; null where Spotify no longer reports it.';
comment on column listening.dim_artist.follower_count is
    'Followers when last reported; null where Spotify no longer reports them.';
comment on column listening.dim_track.popularity is
    '0 to 100 when last reported; null where Spotify no longer reports it.';
comment on column listening.dim_context.context_key is 'Surrogate key; 0: no context reported.';
comment on column listening.dim_context.context_name is
    'Name, where one is known: Spotify does not report it with a play.';
comment on table listening.dim_device is
    'On what something was played. The recently-played list does not say; an export has the platform, the player the '
    'device.';
comment on column listening.dim_device.device_key is 'Surrogate key; 0: not reported.';
comment on column listening.dim_listener.listener_id is
    'Spotify''s immutable account_id; for answers without one, the user id; me, while only an export is known; or what '
    'was given to import as --listener.';
comment on column listening.dim_listener.listener_name is 'Display name, if Spotify gives one.';
comment on column listening.dim_play_profile.play_profile_key is 'Surrogate key; 0: nothing reported.';
comment on column listening.dim_play_profile.ms_played_basis is
    'Where fact_play.ms_played is from: reported (an export) or measured (the player). Null: no source has it. '
    'Estimates never stand in the fact.';
comment on column listening.dim_track.track_uri is
    'Natural key: spotify:track:…, spotify:episode:…, spotify:local:…; name:track:artist:title for what a source '
    'reports without an id.';
comment on column ops.import_file.new_count is 'Rows that became a play which no source had reported before.';
comment on column ops.import_file.known_count is 'Rows that the same kind of export had reported before.';
comment on column ops.import_file.merged_count is
    'Rows that are a play which another source has reported: they complete it.';
comment on column ops.import_file.duplicate_count is 'Rows that another row of the same import reports, too.';
comment on table ops.merged_play is
    'Plays that turned out to be one with another when a further source reported them, and which one that is.';
comment on column ops.watermark.window_starts_at is
    'The oldest play of the last answer that had any; null while there has been none.';
comment on table ops.coverage is
    'The coverage ledger: which spans of time a source reports in full, and which may hold losses.';
comment on column ops.coverage.source is
    'Which source the span speaks of: recently_played, player, extended_export or account_export.';
comment on column ops.coverage.state is
    'covered: the source reports all of it. gap: the source had forgotten some of it before it was asked.';
comment on table listening.track_alias is
    'Every name under which a source reported a track, for sources without ids. A name once reported stays, though the '
    'catalogue renames; one that only imports gave goes with the last of them.';
