-- Save audio features, one row for each track; told again, the new values stand, and what is not told any more
-- stays: nothing known becomes unknown.
insert into listening.track_feature (
    track_key, provider, danceability, energy, key, loudness, mode, speechiness, acousticness, instrumentalness,
    liveness, valence, tempo, duration_ms, time_signature, fetched_at, matched_by, out_of_range_count
)
select
    told.track_key,
    :provider,
    told.danceability,
    told.energy,
    told.key,
    told.loudness,
    told.mode,
    told.speechiness,
    told.acousticness,
    told.instrumentalness,
    told.liveness,
    told.valence,
    told.tempo,
    told.duration_ms,
    told.time_signature,
    :now,
    :matched_by,
    told.out_of_range_count
from json_to_recordset(cast(:told as json)) as told (
    track_key integer,
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
    duration_ms integer,
    time_signature smallint,
    out_of_range_count smallint
)
on conflict (track_key, provider) do update
set
    danceability = coalesce(excluded.danceability, track_feature.danceability),
    energy = coalesce(excluded.energy, track_feature.energy),
    key = coalesce(excluded.key, track_feature.key),
    loudness = coalesce(excluded.loudness, track_feature.loudness),
    mode = coalesce(excluded.mode, track_feature.mode),
    speechiness = coalesce(excluded.speechiness, track_feature.speechiness),
    acousticness = coalesce(excluded.acousticness, track_feature.acousticness),
    instrumentalness = coalesce(excluded.instrumentalness, track_feature.instrumentalness),
    liveness = coalesce(excluded.liveness, track_feature.liveness),
    valence = coalesce(excluded.valence, track_feature.valence),
    tempo = coalesce(excluded.tempo, track_feature.tempo),
    duration_ms = coalesce(excluded.duration_ms, track_feature.duration_ms),
    time_signature = coalesce(excluded.time_signature, track_feature.time_signature),
    fetched_at = excluded.fetched_at,
    matched_by = excluded.matched_by,
    out_of_range_count = excluded.out_of_range_count
