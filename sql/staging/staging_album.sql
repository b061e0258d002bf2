-- Albums, shows and audiobooks of a batch; columns as in etl/staging.py.
create temporary table staging_album (
    album_id text,
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
) on commit drop;
