-- How many members of the dimensions are still inferred, though they have an id to ask for.
select
    (
        select count(*)
        from listening.dim_artist
        where dim_artist.fetched_at is null and dim_artist.artist_id is not null
    )
    + (
        select count(*)
        from listening.dim_track
        where
            dim_track.fetched_at is null
            and dim_track.track_id is not null
            and dim_track.content_type in ('track', 'episode')
    )
    + (
        select count(*)
        from listening.dim_album
        where
            dim_album.fetched_at is null
            and dim_album.album_id is not null
            and coalesce(dim_album.album_type, 'album') in ('album', 'single', 'compilation', 'ep')
    ) as missing_count
