-- Grain: one listen of one thing by one listener.
-- Narrow on purpose (84 bytes a row and 40 in its only index): a free database holds half a gigabyte. Provenance is folded
-- in: the profile says which sources reported the play, and an offset stands here only where a source's time differs.
-- No foreign keys: the merge finds every key by inner join, and a check for each of a million imported rows costs more than the rows.
-- listener_key leads every key, so that the table can be spread over several machines by listener.

create table listening.fact_play (
    play_key bigint generated always as identity,
    played_at timestamptz not null,
    listener_key integer not null,
    track_key integer not null,
    date_key integer not null,
    context_key integer not null,
    device_key integer not null,
    play_profile_key integer not null,
    ms_played integer,
    time_key smallint not null,
    recently_played_offset_ms integer,
    primary key (listener_key, played_at, play_key)
);
comment on table listening.fact_play is 'One listen of one track (or episode, or chapter) by one listener.';
comment on column listening.fact_play.play_key is 'Surrogate key.';
comment on column listening.fact_play.played_at is 'End of the listen, as best known.';
comment on column listening.fact_play.listener_key is 'Who listened.';
comment on column listening.fact_play.track_key is 'What was played; 0: unknown.';
comment on column listening.fact_play.date_key is 'The listener''s local date of played_at.';
comment on column listening.fact_play.context_key is 'From where it was played; 0: not told.';
comment on column listening.fact_play.device_key is 'On what it was played; 0: not told.';
comment on column listening.fact_play.play_profile_key is 'Flags, reasons and sources.';
comment on column listening.fact_play.ms_played is 'Milliseconds really listened; null when no source knows. Never an estimate.';
comment on column listening.fact_play.time_key is 'The listener''s local minute of played_at.';
comment on column listening.fact_play.recently_played_offset_ms is 'The recently-played list also dated this play up to so many milliseconds after played_at. Null: it did not.';
