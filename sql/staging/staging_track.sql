-- Tracks of a batch, as dimensions.TRACK_COLUMNS has them. An album is named by its id, or by name and artist where it has none.
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
    fetched_at timestamptz
) on commit drop;
