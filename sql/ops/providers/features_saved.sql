-- Save audio features, one row for each track; told again, the new row stands.
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
    danceability = excluded.danceability,
    energy = excluded.energy,
    key = excluded.key,
    loudness = excluded.loudness,
    mode = excluded.mode,
    speechiness = excluded.speechiness,
    acousticness = excluded.acousticness,
    instrumentalness = excluded.instrumentalness,
    liveness = excluded.liveness,
    valence = excluded.valence,
    tempo = excluded.tempo,
    duration_ms = excluded.duration_ms,
    time_signature = excluded.time_signature,
    fetched_at = excluded.fetched_at,
    matched_by = excluded.matched_by,
    out_of_range_count = excluded.out_of_range_count
