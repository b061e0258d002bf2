-- The dimensions of the star. Surrogate keys (_key) are ours; natural keys (_id, _uri) are Spotify's. Key 0 is the unknown member.
-- Keys are integer: two thousand million of each are enough, and eight of them stand in every fact.

create table listening.dim_listener (
    listener_key integer generated always as identity primary key,
    listener_id text not null unique,
    listener_name text,
    time_zone text not null,
    created_at timestamptz not null
);
comment on table listening.dim_listener is 'Who listens. One row a Spotify account.';
comment on column listening.dim_listener.listener_key is 'Surrogate key.';
comment on column listening.dim_listener.listener_id is 'Spotify''s immutable account_id; for answers without one, the user id.';
comment on column listening.dim_listener.listener_name is 'Display name, if Spotify tells one.';
comment on column listening.dim_listener.time_zone is 'IANA name. Decides which local date and minute a play belongs to.';
comment on column listening.dim_listener.created_at is 'When this listener was first seen.';

create table listening.dim_artist (
    artist_key integer generated always as identity primary key,
    artist_id text unique,
    artist_name text,
    genres text[],
    image_url text,
    popularity smallint,
    follower_count bigint,
    fetched_at timestamptz
);
create unique index dim_artist_name_without_id on listening.dim_artist (artist_name) where artist_id is null;
create index dim_artist_inferred on listening.dim_artist (artist_key) where fetched_at is null;
comment on table listening.dim_artist is 'Artists. Inferred from the tracks that name them, completed by the dimensions job. Type 1: the latest answer stands.';
comment on column listening.dim_artist.artist_key is 'Surrogate key; 0 is the unknown artist.';
comment on column listening.dim_artist.artist_id is 'Spotify''s id; null for artists known by name alone, as those of local files.';
comment on column listening.dim_artist.artist_name is 'Name as Spotify writes it.';
comment on column listening.dim_artist.genres is 'Genres. Null: never told. Empty: Spotify says there are none.';
comment on column listening.dim_artist.image_url is 'Address of the largest picture.';
comment on column listening.dim_artist.popularity is '0 to 100 when last told; null where Spotify no longer tells.';
comment on column listening.dim_artist.follower_count is 'Followers when last told; null where Spotify no longer tells.';
comment on column listening.dim_artist.fetched_at is 'When Spotify last described this artist in full. Null: inferred, known by id and name only.';

create table listening.dim_album (
    album_key integer generated always as identity primary key,
    album_id text unique,
    album_name text,
    album_artist_name text,
    album_type text,
    release_date date,
    release_date_precision text,
    track_count integer,
    label text,
    popularity smallint,
    image_url text,
    fetched_at timestamptz
);
create unique index dim_album_name_without_id on listening.dim_album (album_name, album_artist_name) nulls not distinct where album_id is null;
create index dim_album_inferred on listening.dim_album (album_key) where fetched_at is null;
comment on table listening.dim_album is 'Albums; for an episode the show, for a chapter the audiobook: what the thing played is a part of. Type 1.';
comment on column listening.dim_album.album_key is 'Surrogate key; 0 is the unknown album.';
comment on column listening.dim_album.album_id is 'Spotify''s id; null for albums known by name alone, as those of local files.';
comment on column listening.dim_album.album_name is 'Name as Spotify writes it.';
comment on column listening.dim_album.album_artist_name is 'Names of the album''s artists, joined by commas; the publisher of a show.';
comment on column listening.dim_album.album_type is 'album, single, compilation, show or audiobook.';
comment on column listening.dim_album.release_date is 'First day of the time of release: read it with release_date_precision.';
comment on column listening.dim_album.release_date_precision is 'day, month or year: how much of release_date is known.';
comment on column listening.dim_album.track_count is 'Tracks on the album.';
comment on column listening.dim_album.label is 'Label when last told; null where Spotify no longer tells.';
comment on column listening.dim_album.popularity is '0 to 100 when last told; null where Spotify no longer tells.';
comment on column listening.dim_album.image_url is 'Address of the largest cover.';
comment on column listening.dim_album.fetched_at is 'When Spotify last told what a report needs (type, date, cover). Null: inferred, worth completing.';

create table listening.dim_track (
    track_key integer generated always as identity primary key,
    track_id text,
    track_uri text unique,
    track_name text,
    content_type text,
    duration_ms integer,
    isrc text,
    is_explicit boolean,
    disc_number smallint,
    track_number integer,
    popularity smallint,
    album_key integer not null default 0 references listening.dim_album,
    fetched_at timestamptz
);
create index dim_track_id on listening.dim_track (track_id);
create index dim_track_inferred on listening.dim_track (track_key) where fetched_at is null;
comment on table listening.dim_track is 'What can be played: tracks, episodes, audiobook chapters, local files. Type 1.';
comment on column listening.dim_track.track_key is 'Surrogate key; 0 is the unknown track.';
comment on column listening.dim_track.track_id is 'Spotify''s id; null for local files.';
comment on column listening.dim_track.track_uri is 'Natural key: spotify:track:…, spotify:episode:…, spotify:local:….';
comment on column listening.dim_track.track_name is 'Title as Spotify writes it.';
comment on column listening.dim_track.content_type is 'track, episode, chapter or local.';
comment on column listening.dim_track.duration_ms is 'Length in milliseconds.';
comment on column listening.dim_track.isrc is 'International standard recording code: the same recording on two albums has two ids and one ISRC.';
comment on column listening.dim_track.is_explicit is 'Marked as explicit.';
comment on column listening.dim_track.disc_number is 'Disc within the album, from 1.';
comment on column listening.dim_track.track_number is 'Number on the disc, from 1.';
comment on column listening.dim_track.popularity is '0 to 100 when last told; null where Spotify no longer tells.';
comment on column listening.dim_track.album_key is 'The album it is on; for an episode the show.';
comment on column listening.dim_track.fetched_at is 'When Spotify last described this track in full. Null: inferred.';

create table listening.bridge_track_artist (
    track_key integer not null references listening.dim_track,
    artist_key integer not null references listening.dim_artist,
    position smallint not null,
    role text not null check (role in ('main', 'featured')),
    weight double precision not null,
    primary key (track_key, artist_key)
);
create index bridge_track_artist_artist on listening.bridge_track_artist (artist_key, track_key);
comment on table listening.bridge_track_artist is 'Which artists a track is by: one row a track and artist.';
comment on column listening.bridge_track_artist.track_key is 'The track.';
comment on column listening.bridge_track_artist.artist_key is 'The artist.';
comment on column listening.bridge_track_artist.position is 'Place in Spotify''s list, from 1.';
comment on column listening.bridge_track_artist.role is 'main: first in the list, or an artist of the album. featured: the rest, and whoever the title names after "feat.".';
comment on column listening.bridge_track_artist.weight is 'Equal share of the track; the weights of a track sum to 1, so that plays times weight sum to plays.';

create table listening.dim_context (
    context_key integer generated always as identity primary key,
    context_uri text unique,
    context_type text,
    context_name text
);
comment on table listening.dim_context is 'From where something was played: an album, an artist, a playlist, liked songs, a show.';
comment on column listening.dim_context.context_key is 'Surrogate key; 0: no context told.';
comment on column listening.dim_context.context_uri is 'Natural key, as spotify:playlist:….';
comment on column listening.dim_context.context_type is 'album, artist, playlist, collection or show.';
comment on column listening.dim_context.context_name is 'Name, where one is known: Spotify does not tell it with a play.';

create table listening.dim_device (
    device_key integer generated always as identity primary key,
    device_id text,
    device_name text,
    device_type text,
    platform text,
    constraint dim_device_natural_key unique nulls not distinct (device_id, device_name, device_type, platform)
);
comment on table listening.dim_device is 'On what something was played. The recently-played list does not tell; an export tells the platform, the player the device.';
comment on column listening.dim_device.device_key is 'Surrogate key; 0: not told.';
comment on column listening.dim_device.device_id is 'Spotify''s id of the device.';
comment on column listening.dim_device.device_name is 'Name that its owner gave it.';
comment on column listening.dim_device.device_type is 'Computer, Smartphone, Speaker and so on.';
comment on column listening.dim_device.platform is 'Platform as an export writes it.';

create table listening.dim_play_profile (
    play_profile_key integer generated always as identity primary key,
    reason_start text,
    reason_end text,
    is_shuffle boolean,
    is_skipped boolean,
    is_offline boolean,
    is_private boolean,
    country_code text,
    ms_played_basis text,
    has_recently_played boolean not null,
    has_extended_export boolean not null,
    has_account_export boolean not null,
    has_player boolean not null,
    constraint dim_play_profile_natural_key unique nulls not distinct (
        reason_start, reason_end, is_shuffle, is_skipped, is_offline, is_private, country_code,
        ms_played_basis, has_recently_played, has_extended_export, has_account_export, has_player
    )
);
comment on table listening.dim_play_profile is 'Junk dimension: every combination met of a play''s flags and reasons, and of the sources that reported it.';
comment on column listening.dim_play_profile.play_profile_key is 'Surrogate key; 0: nothing told.';
comment on column listening.dim_play_profile.reason_start is 'Why it began, in Spotify''s words: clickrow, trackdone, fwdbtn and so on.';
comment on column listening.dim_play_profile.reason_end is 'Why it ended, in Spotify''s words.';
comment on column listening.dim_play_profile.is_shuffle is 'Shuffle was on.';
comment on column listening.dim_play_profile.is_skipped is 'It was skipped.';
comment on column listening.dim_play_profile.is_offline is 'It was played without a connection.';
comment on column listening.dim_play_profile.is_private is 'It was played in a private session.';
comment on column listening.dim_play_profile.country_code is 'Country it was played in, two letters.';
comment on column listening.dim_play_profile.ms_played_basis is 'Where fact_play.ms_played is from: reported (an export) or measured (the player). Null: nobody told. Estimates never stand in the fact.';
comment on column listening.dim_play_profile.has_recently_played is 'Spotify''s recently-played list reported it.';
comment on column listening.dim_play_profile.has_extended_export is 'An extended streaming history reported it.';
comment on column listening.dim_play_profile.has_account_export is 'An account data export reported it.';
comment on column listening.dim_play_profile.has_player is 'The player recorder saw it.';

create table listening.dim_date (
    date_key integer primary key,
    full_date date not null unique,
    year smallint not null,
    quarter smallint not null,
    month smallint not null,
    month_name text not null,
    year_month text not null,
    iso_year smallint not null,
    iso_week smallint not null,
    day_of_year smallint not null,
    day_of_month smallint not null,
    day_of_week smallint not null,
    day_name text not null,
    is_weekend boolean not null
);
comment on table listening.dim_date is 'Days, whole years without holes from the first play to the last. No unknown member: a play without a moment is no play.';
comment on column listening.dim_date.date_key is 'yyyymmdd.';
comment on column listening.dim_date.full_date is 'The day.';
comment on column listening.dim_date.year is 'Calendar year.';
comment on column listening.dim_date.quarter is '1 to 4.';
comment on column listening.dim_date.month is '1 to 12.';
comment on column listening.dim_date.month_name is 'January to December.';
comment on column listening.dim_date.year_month is 'yyyy-mm.';
comment on column listening.dim_date.iso_year is 'Year of the ISO week.';
comment on column listening.dim_date.iso_week is 'ISO week, 1 to 53.';
comment on column listening.dim_date.day_of_year is '1 to 366.';
comment on column listening.dim_date.day_of_month is '1 to 31.';
comment on column listening.dim_date.day_of_week is 'ISO: 1 is Monday, 7 is Sunday.';
comment on column listening.dim_date.day_name is 'Monday to Sunday.';
comment on column listening.dim_date.is_weekend is 'Saturday or Sunday.';

create table listening.dim_time (
    time_key smallint primary key,
    hour smallint not null,
    minute smallint not null,
    hour_minute text not null,
    day_part text not null
);
comment on table listening.dim_time is 'Minutes of a day, 1,440 rows.';
comment on column listening.dim_time.time_key is 'Minute of the day, 0 to 1439.';
comment on column listening.dim_time.hour is '0 to 23.';
comment on column listening.dim_time.minute is '0 to 59.';
comment on column listening.dim_time.hour_minute is 'HH:MM.';
comment on column listening.dim_time.day_part is 'night (from 0), morning (from 6), afternoon (from 12) or evening (from 18).';

insert into listening.dim_artist (artist_key) overriding system value values (0);
insert into listening.dim_album (album_key) overriding system value values (0);
insert into listening.dim_track (track_key) overriding system value values (0);
insert into listening.dim_context (context_key) overriding system value values (0);
insert into listening.dim_device (device_key) overriding system value values (0);
insert into listening.dim_play_profile (
    play_profile_key, has_recently_played, has_extended_export, has_account_export, has_player
) overriding system value
values (0, false, false, false, false);

-- An unknown member is not something that waits to be fetched.
update listening.dim_artist set fetched_at = now() where artist_key = 0;
update listening.dim_album set fetched_at = now() where album_key = 0;
update listening.dim_track set fetched_at = now() where track_key = 0;

insert into listening.dim_time (time_key, hour, minute, hour_minute, day_part)
select
    minute_of_day,
    minute_of_day / 60,
    minute_of_day % 60,
    to_char(make_time(minute_of_day / 60, minute_of_day % 60, 0), 'HH24:MI'),
    (array['night', 'morning', 'afternoon', 'evening'])[minute_of_day / 360 + 1]
from generate_series(0, 1439) as minutes (minute_of_day);
