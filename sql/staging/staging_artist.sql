-- Artists of a batch, as dimensions.ARTIST_COLUMNS has them.
create temporary table staging_artist (
    artist_id text,
    artist_name text,
    genres jsonb,
    image_url text,
    popularity smallint,
    follower_count bigint,
    fetched_at timestamptz
) on commit drop;
