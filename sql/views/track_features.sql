-- Grain: one track with audio features from a source, in the columns of an older layout, for dashboards made for it.

create or replace view listening.track_features with (security_invoker = true) as
select
    dim_track.track_uri,
    chosen_feature.danceability,
    chosen_feature.energy,
    chosen_feature.key,
    chosen_feature.loudness,
    chosen_feature.mode,
    chosen_feature.speechiness,
    chosen_feature.acousticness,
    chosen_feature.instrumentalness,
    chosen_feature.liveness,
    chosen_feature.valence,
    chosen_feature.tempo,
    coalesce(dim_track.duration_ms, chosen_feature.duration_ms) as duration_ms,
    chosen_feature.time_signature
from listening.chosen_feature
inner join listening.dim_track on dim_track.track_key = chosen_feature.track_key;

comment on view listening.track_features is
    'Audio features by track_uri, in the columns of an older layout. Empty until a source fills chosen_feature.';
comment on column listening.track_features.track_uri is 'spotify:track:….';
comment on column listening.track_features.danceability is '0 to 1: how fit for dancing.';
comment on column listening.track_features.energy is '0 to 1: how intense and active.';
comment on column listening.track_features.key is 'Pitch class, 0 is C. Null: none found.';
comment on column listening.track_features.loudness is 'Average loudness in decibels.';
comment on column listening.track_features.mode is '1 is major, 0 minor.';
comment on column listening.track_features.speechiness is '0 to 1: how much of it is spoken.';
comment on column listening.track_features.acousticness is '0 to 1: confidence that it is acoustic.';
comment on column listening.track_features.instrumentalness is '0 to 1: confidence that nobody sings.';
comment on column listening.track_features.liveness is '0 to 1: confidence that an audience is there.';
comment on column listening.track_features.valence is '0 to 1: from sad or angry to happy.';
comment on column listening.track_features.tempo is 'Beats a minute.';
comment on column listening.track_features.duration_ms is 'Length in milliseconds.';
comment on column listening.track_features.time_signature is 'Beats in a bar.';
