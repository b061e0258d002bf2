-- Albums, or shows and audiobooks (is_show), that a listener played and a person may mean: by the id at Spotify, or by
-- name (Album, Album by Artist). Editions of one name by the same artists are one. The exact name first, then the most
-- played.
select
    min(dim_album.album_key) as found_key,
    dim_album.album_name as found_name,
    dim_album.album_artist_name as by_whom,
    min(dim_album.album_id) as found_id,
    coalesce(bool_or(dim_album.album_id = :wanted_id), false)
    or coalesce(
        bool_or(
            listening.folded(:wanted) in (
                listening.folded(dim_album.album_name),
                listening.folded(dim_album.album_name || ' by ' || dim_album.album_artist_name)
            )
        ),
        false
    ) as is_exact
from (
    select
        dim_track.album_key,
        count(*) as play_count
    from listening.fact_play
    inner join listening.dim_track on dim_track.track_key = fact_play.track_key
    where
        fact_play.listener_key = :listener_key
        and dim_track.album_key > 0
        and (dim_track.content_type in ('episode', 'chapter')) = :is_show
    group by dim_track.album_key
) as played
inner join listening.dim_album on dim_album.album_key = played.album_key
where
    dim_album.album_id = :wanted_id
    or strpos(
        listening.folded(concat_ws(' by ', dim_album.album_name, dim_album.album_artist_name)), listening.folded(:wanted)
    ) > 0
group by
    dim_album.album_name,
    dim_album.album_artist_name
order by
    is_exact desc,
    sum(played.play_count) desc,
    found_key
limit :row_limit
