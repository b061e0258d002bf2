-- An album, show or audiobook of which the listener has played something. No row: never played.
select
    dim_album.album_key as key,
    dim_album.album_name as name,
    dim_album.album_artist_name as artist_names,
    dim_album.album_type,
    dim_album.release_date,
    dim_album.release_date_precision,
    listening.spotify_url(
        case dim_album.album_type
            when 'show' then 'spotify:show:'
            when 'audiobook' then 'spotify:show:'
            else 'spotify:album:'
        end || dim_album.album_id
    ) as url,
    dim_album.image_url
from listening.dim_album
where
    dim_album.album_key = :key
    and dim_album.album_key > 0
    and exists (
        select 1
        from listening.album_edition
        inner join listening.dim_track on dim_track.album_key = album_edition.edition_key
        inner join listening.fact_play on fact_play.track_key = dim_track.track_key
        where
            album_edition.album_key = dim_album.album_key
            and fact_play.listener_key = :listener_key
    )
