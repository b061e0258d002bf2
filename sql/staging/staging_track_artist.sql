-- Which artists the tracks of a batch are by, as dimensions.TRACK_ARTIST_COLUMNS has them.
create temporary table staging_track_artist (
    track_uri text not null,
    artist_id text,
    artist_name text,
    position smallint not null,
    role text not null,
    weight double precision not null
) on commit drop;
