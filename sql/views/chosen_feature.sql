-- Grain: one track with audio features from any provider, and whose they are: those of the provider of the lowest rank,
-- the tempo of the first that knows one.

create or replace view listening.chosen_feature with (security_invoker = true) as
select distinct on (track_feature.track_key)
    track_feature.track_key,
    track_feature.danceability,
    track_feature.energy,
    track_feature.key,
    track_feature.loudness,
    track_feature.mode,
    track_feature.speechiness,
    track_feature.acousticness,
    track_feature.instrumentalness,
    track_feature.liveness,
    track_feature.valence,
    first_value(track_feature.tempo) over by_tempo as tempo,
    track_feature.duration_ms,
    track_feature.time_signature,
    track_feature.provider,
    case
        when first_value(track_feature.tempo) over by_tempo is not null
            then first_value(track_feature.provider) over by_tempo
    end as tempo_provider,
    track_feature.matched_by,
    track_feature.fetched_at
from listening.track_feature
inner join listening.provider on provider.provider = track_feature.provider
window by_tempo as (
    partition by track_feature.track_key
    order by
        track_feature.tempo is null,
        provider.feature_rank
)
order by
    track_feature.track_key,
    -- a row of an archive that lacks columns stands behind a whole one
    num_nulls(track_feature.danceability, track_feature.energy, track_feature.valence) > 0,
    provider.feature_rank;

comment on view listening.chosen_feature is
    'Audio features by track_key, from the provider that comes first in listening.provider, which is named.';
comment on column listening.chosen_feature.track_key is 'The track.';
comment on column listening.chosen_feature.danceability is '0 to 1: how fit for dancing.';
comment on column listening.chosen_feature.energy is '0 to 1: how intense and active.';
comment on column listening.chosen_feature.key is 'Pitch class, 0 is C. Null: none found.';
comment on column listening.chosen_feature.loudness is 'Average loudness in decibels.';
comment on column listening.chosen_feature.mode is '1 is major, 0 minor.';
comment on column listening.chosen_feature.speechiness is '0 to 1: how much of it is spoken.';
comment on column listening.chosen_feature.acousticness is '0 to 1: confidence that it is acoustic.';
comment on column listening.chosen_feature.instrumentalness is '0 to 1: confidence that nobody sings.';
comment on column listening.chosen_feature.liveness is '0 to 1: confidence that an audience is there.';
comment on column listening.chosen_feature.valence is '0 to 1: from sad or angry to happy.';
comment on column listening.chosen_feature.tempo is 'Beats a minute.';
comment on column listening.chosen_feature.duration_ms is 'Length in milliseconds, if the provider tells it.';
comment on column listening.chosen_feature.time_signature is 'Beats in a bar.';
comment on column listening.chosen_feature.provider is 'Who told the features.';
comment on column listening.chosen_feature.tempo_provider is 'Who told the tempo; null where nobody knows it.';
comment on column listening.chosen_feature.matched_by is 'How the provider''s track was found: id, isrc or name.';
comment on column listening.chosen_feature.fetched_at is 'When the features were told.';
