-- Artists of the tracks of a batch; columns as in etl/staging.py.
create temporary table staging_track_artist (
    track_uri text not null,
    artist_id text,
    artist_name text,
    position smallint not null,
    role text not null,
    weight double precision not null
) on commit drop;
