-- Tracks of a batch; columns as in etl/staging.py. An album without an id is identified by name and artist.
create temporary table staging_track (
    track_id text,
    track_uri text not null,
    track_name text,
    content_type text,
    duration_ms integer,
    isrc text,
    is_explicit boolean,
    disc_number smallint,
    track_number integer,
    popularity smallint,
    album_id text,
    album_name text,
    album_artist_name text,
    fetched_at timestamptz,
    named_at timestamptz
) on commit drop;
