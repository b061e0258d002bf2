-- The places of albums in the ranking of top_albums; equals share one. Each key stands for all editions of its album.
with ranked as (
    select
        dim_album.album_name,
        dim_album.album_artist_name,
        sum(report_track.play_count) as play_count,
        coalesce(sum(report_track.listened_ms), 0) as listened_ms
    from report_track
    inner join listening.dim_album on dim_album.album_key = report_track.album_key
    where
        report_track.is_music
        and report_track.album_key > 0
    group by
        dim_album.album_name,
        dim_album.album_artist_name
),
placed as (
    select
        ranked.album_name,
        ranked.album_artist_name,
        rank() over (
            order by
                case when :by = 'time' then ranked.listened_ms else ranked.play_count end desc,
                ranked.listened_ms desc,
                ranked.play_count desc
        ) as place
    from ranked
)
select
    dim_album.album_key as key,
    placed.place
from listening.dim_album
inner join placed
    on
        placed.album_name is not distinct from dim_album.album_name
        and placed.album_artist_name is not distinct from dim_album.album_artist_name
where dim_album.album_key = any(cast(:keys as integer[]))
