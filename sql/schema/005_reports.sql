-- What the reports and the views for BI stand on besides the star.

create extension if not exists pg_trgm; -- words that are nearly the same, for search

create index dim_artist_name_with_id on listening.dim_artist (artist_name) where artist_id is not null; -- namesakes of artists without one

-- Grain: one track. Empty until a source fills it: Spotify itself refuses audio features to apps made since November 2024.
create table listening.track_feature (
    track_key integer primary key references listening.dim_track,
    danceability real,
    energy real,
    key smallint,
    loudness real,
    mode smallint,
    speechiness real,
    acousticness real,
    instrumentalness real,
    liveness real,
    valence real,
    tempo real,
    time_signature smallint
);
comment on table listening.track_feature is 'Audio features, one row a track. Empty until a source fills it: Spotify refuses them to apps made since November 2024.';
comment on column listening.track_feature.track_key is 'The track.';
comment on column listening.track_feature.danceability is '0 to 1: how fit for dancing.';
comment on column listening.track_feature.energy is '0 to 1: how intense and active.';
comment on column listening.track_feature.key is 'Pitch class, 0 is C; -1: none found.';
comment on column listening.track_feature.loudness is 'Average loudness in decibels.';
comment on column listening.track_feature.mode is '1 is major, 0 minor.';
comment on column listening.track_feature.speechiness is '0 to 1: how much of it is spoken.';
comment on column listening.track_feature.acousticness is '0 to 1: confidence that it is acoustic.';
comment on column listening.track_feature.instrumentalness is '0 to 1: confidence that nobody sings.';
comment on column listening.track_feature.liveness is '0 to 1: confidence that an audience is there.';
comment on column listening.track_feature.valence is '0 to 1: from sad or angry to happy.';
comment on column listening.track_feature.tempo is 'Beats a minute.';
comment on column listening.track_feature.time_signature is 'Beats in a bar.';
