-- Artists of a batch; columns as in etl/staging.py.
create temporary table staging_artist (
    artist_id text,
    artist_name text,
    genres jsonb,
    image_url text,
    popularity smallint,
    follower_count bigint,
    fetched_at timestamptz
) on commit drop;
