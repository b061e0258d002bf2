-- What several sources tell of one listen, folded into its row; and what it takes to tell one listen from two.
-- Every offset is against played_at and null where it would be zero or the source did not report the play (the profile says
-- which did), so that a play of one source costs no byte more than before.

alter table listening.fact_play
    add column extended_export_offset_ms integer,
    add column extended_export_last_offset_ms integer,
    add column account_export_offset_ms integer,
    add column start_offset_ms integer,
    add column recently_played_track_key integer,
    add column extended_export_track_key integer,
    add column account_export_track_key integer;
comment on column listening.fact_play.played_at is 'End of the listen, as best known: the earliest date that the recently-played list gave it, else that of the extended export, else the minute of the account export.';
comment on column listening.fact_play.extended_export_offset_ms is 'The extended export dates this play so many milliseconds after played_at (before it, if negative). Null: at played_at, or not at all.';
comment on column listening.fact_play.extended_export_last_offset_ms is 'The extended export tells this play again under a later date, up to so many milliseconds after played_at. Null: it does not.';
comment on column listening.fact_play.account_export_offset_ms is 'The account export dates this play so many milliseconds after played_at (before it, if negative). Null: in the minute that the extended export, or else played_at, cut to the minute gives; or not at all.';
comment on column listening.fact_play.start_offset_ms is 'When the play began, so many milliseconds after played_at (so it is negative), where an extended export tells. Pauses lie between.';
comment on column listening.fact_play.recently_played_track_key is 'What the recently-played list calls it, where that is another track_key of the same recording. Null: the same.';
comment on column listening.fact_play.extended_export_track_key is 'What the extended export calls it, where that is another one: 0 if it names nothing. Null: the same.';
comment on column listening.fact_play.account_export_track_key is 'What the account export calls it, where that is another one: a member known by name alone, or 0 if it names nothing. Null: the same.';

alter table listening.dim_track add column recording_key integer;
create index dim_track_isrc on listening.dim_track (isrc) where isrc is not null;
create index dim_track_recording on listening.dim_track (recording_key) where recording_key is not null;
comment on column listening.dim_track.track_uri is 'Natural key: spotify:track:…, spotify:episode:…, spotify:local:…; name:track:artist:title for what a source tells without an id.';
comment on column listening.dim_track.recording_key is 'The track_key that stands for all ids of one recording: same ISRC, or same name, artist and length. Null: only this one.';

create function ops.folded(told text) returns text
language sql immutable strict parallel safe
return lower(regexp_replace(normalize(told, nfkd), '[\u0300-\u036f]', '', 'g'));
comment on function ops.folded is 'A name without what sources write differently: case, width, accents.';

create table listening.track_alias (
    track_key integer not null references listening.dim_track,
    name_hash uuid not null,
    primary key (track_key, name_hash)
);
create index track_alias_name_hash on listening.track_alias (name_hash);
comment on table listening.track_alias is 'Every name under which a source told of a track, for sources without ids. A name once told stays, though the catalogue renames.';
comment on column listening.track_alias.track_key is 'The track.';
comment on column listening.track_alias.name_hash is 'MD5 of artist and title (of show and episode), each folded: without case, width and accents.';

insert into listening.track_alias (
    track_key,
    name_hash
)
select distinct
    dim_track.track_key,
    md5(ops.folded(dim_artist.artist_name) || chr(10) || ops.folded(dim_track.track_name))::uuid
from listening.dim_track
inner join listening.bridge_track_artist on bridge_track_artist.track_key = dim_track.track_key
inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
where dim_track.track_name is not null and dim_artist.artist_name is not null;

create table ops.told_apart (
    listener_key integer not null,
    track_key integer not null,
    earlier_at timestamptz not null,
    later_at timestamptz not null,
    primary key (listener_key, earlier_at, later_at, track_key)
);
comment on table ops.told_apart is 'Two dates of one track, close together, that the recently-played list told as two plays: they are not one play re-dated.';
comment on column ops.told_apart.listener_key is 'Whose plays.';
comment on column ops.told_apart.track_key is 'The track.';
comment on column ops.told_apart.earlier_at is 'Date of the one.';
comment on column ops.told_apart.later_at is 'Date of the other.';

create table ops.merged_play (
    play_key bigint primary key,
    listener_key integer not null,
    merged_into bigint not null,
    merged_at timestamptz not null
);
comment on table ops.merged_play is 'Plays that turned out to be one with another when a further source told of them, and which one that is.';
comment on column ops.merged_play.play_key is 'The play_key that is no more.';
comment on column ops.merged_play.listener_key is 'Whose play.';
comment on column ops.merged_play.merged_into is 'The play_key that stands for both; it may have been merged further since.';
comment on column ops.merged_play.merged_at is 'When it turned out.';

create table ops.import_file (
    import_file_key bigint generated always as identity primary key,
    run_key bigint not null references ops.run,
    package_name text not null,
    file_name text not null,
    source text,
    row_count integer not null,
    new_count integer not null,
    known_count integer not null,
    merged_count integer not null,
    duplicate_count integer not null,
    private_count integer not null,
    malformed_count integer not null,
    podcast_count integer not null,
    unnamed_count integer not null,
    unreadable_reason text,
    constraint import_file_is_accounted_for check (
        row_count = new_count + known_count + merged_count + duplicate_count + private_count + malformed_count
    )
);
comment on table ops.import_file is 'The receipt of an import: what became of every row of every file.';
comment on column ops.import_file.import_file_key is 'Surrogate key.';
comment on column ops.import_file.run_key is 'The run of the import job.';
comment on column ops.import_file.package_name is 'The export that the file belongs to.';
comment on column ops.import_file.file_name is 'The file within it.';
comment on column ops.import_file.source is 'extended_export or account_export; null for a file that could not be read.';
comment on column ops.import_file.row_count is 'Rows of the file; the six counts that follow sum to it.';
comment on column ops.import_file.new_count is 'Rows that became a play nobody had told of.';
comment on column ops.import_file.known_count is 'Rows that the same kind of export had told before.';
comment on column ops.import_file.merged_count is 'Rows that are a play which another source told of: they complete it.';
comment on column ops.import_file.duplicate_count is 'Rows that another row of the same import tells too.';
comment on column ops.import_file.private_count is 'Rows of private sessions, left out because it was asked for.';
comment on column ops.import_file.malformed_count is 'Rows that no play can be made of.';
comment on column ops.import_file.podcast_count is 'Of all rows: episodes of podcasts.';
comment on column ops.import_file.unnamed_count is 'Of all rows: those without a name and an id.';
comment on column ops.import_file.unreadable_reason is 'Why nothing of the file could be read; null if it could.';

comment on column ops.run.job is 'The command: plays, dimensions or import.';
comment on column ops.run.received_count is 'Items that Spotify answered with, or rows of the files; null when there was no answer.';
comment on column listening.dim_listener.listener_id is 'Spotify''s immutable account_id; for answers without one, the user id; me, while only an export is known; or what import was told.';
