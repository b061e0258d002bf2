-- How much of the catalogue is described: known, inferred (to be asked for), and unknown to Spotify.
select
    member.kind,
    count(*) filter (where member.fetched_at is not null) as known_count,
    count(*) filter (
        where
            member.fetched_at is null
            and member.spotify_id is not null
            and coalesce(catalogue_miss.miss_count, 0) < :miss_limit
    ) as inferred_count,
    count(*) filter (
        where
            member.fetched_at is null
            and catalogue_miss.miss_count >= :miss_limit
    ) as unknown_to_spotify_count,
    count(*) filter (
        where
            member.fetched_at is null
            and member.spotify_id is null
    ) as nameless_count
from (
    select
        'artist' as kind,
        dim_artist.artist_id as spotify_id,
        dim_artist.fetched_at
    from listening.dim_artist
    where dim_artist.artist_key <> 0
    union all
    select
        dim_track.content_type,
        dim_track.track_id,
        dim_track.fetched_at
    from listening.dim_track
    where
        dim_track.track_key <> 0
        and dim_track.content_type in ('track', 'episode')
    union all
    select
        'album',
        dim_album.album_id,
        dim_album.fetched_at
    from listening.dim_album
    where
        dim_album.album_key <> 0
        and coalesce(dim_album.album_type, 'album') in ('album', 'single', 'compilation', 'ep')
) as member
left join ops.catalogue_miss
    on
        catalogue_miss.kind = member.kind
        and catalogue_miss.spotify_id = member.spotify_id
group by member.kind
order by member.kind
