-- The album or show of a key with the keys of its editions, if the listener ever played it. No row otherwise.
select
    dim_album.album_key,
    dim_album.album_name,
    dim_album.album_artist_name as artist_names,
    listening.spotify_url(
        case
            when exists (
                select 1
                from listening.dim_track as part
                where
                    part.album_key = dim_album.album_key
                    and part.content_type in ('episode', 'chapter')
            )
                then 'spotify:show:'
            else 'spotify:album:'
        end || dim_album.album_id
    ) as album_url,
    dim_album.image_url,
    edition.album_keys::text as album_keys
from listening.dim_album
cross join lateral (
    -- editions differ in id, and one from an export has none
    select array_agg(same.album_key) as album_keys
    from listening.dim_album as same
    where
        same.album_name = dim_album.album_name
        and same.album_artist_name is not distinct from dim_album.album_artist_name
) as edition
where
    dim_album.album_key = :album_key
    and exists (
        select 1
        from listening.fact_play
        inner join listening.dim_track on dim_track.track_key = fact_play.track_key
        where
            fact_play.listener_key = :listener_key
            and dim_track.album_key = any(edition.album_keys)
    )
