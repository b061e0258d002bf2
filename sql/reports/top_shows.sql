-- Podcasts and audiobooks
with played as (
    select
        report_play.album_key,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
        count(distinct report_play.recording_key) as episode_count,
        max(report_play.played_at) as last_played_at
    from report_play
    where
        report_play.content_type in ('episode', 'chapter')
        and report_play.album_key > 0
    group by report_play.album_key
)
select
    dim_album.album_name as show_name,
    played.play_count,
    played.listened_ms,
    played.episode_count,
    played.last_played_at,
    listening.spotify_url('spotify:show:' || dim_album.album_id) as show_url,
    dim_album.image_url
from played
inner join listening.dim_album on dim_album.album_key = played.album_key
order by
    case when :by = 'time' then played.listened_ms else played.play_count end desc,
    played.listened_ms desc,
    played.play_count desc,
    dim_album.album_name,
    played.album_key
limit :row_limit
