-- A rule about an artist or an album that is known by name alone remembers the tracks that it is about: see
-- listening.excluded_track.
update listening.exclusion
set member_track_keys = array(
    select excluded_track.track_key
    from listening.excluded_track
    where
        excluded_track.listener_key = exclusion.listener_key
        and excluded_track.exclusion_key = exclusion.exclusion_key
    order by excluded_track.track_key
)
where
    exclusion.listener_key = :listener_key
    and exclusion.exclusion_key = :exclusion_key
    and (
        exists (
            select 1
            from listening.dim_artist
            where
                dim_artist.artist_key = exclusion.artist_key
                and dim_artist.artist_id is null
        )
        or exists (
            select 1
            from listening.dim_album
            where
                dim_album.album_key = exclusion.album_key
                and dim_album.album_id is null
        )
    )
