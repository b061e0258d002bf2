-- Podcasts and audiobooks
with played as (
    select
        report_track.album_key,
        sum(report_track.play_count)::bigint as play_count,
        sum(report_track.listened_ms)::bigint as listened_ms,
        count(distinct report_track.recording_key) as episode_count,
        max(report_track.last_played_at) as last_played_at
    from report_track
    where
        not report_track.is_music
        and report_track.album_key > 0
    group by report_track.album_key
)
select
    dim_album.album_name as show_name,
    played.play_count,
    played.listened_ms,
    played.episode_count,
    played.last_played_at,
    listening.spotify_url('spotify:show:' || dim_album.album_id) as show_url,
    dim_album.image_url,
    played.album_key,
    count(*) over () as total_count,
    max(case when :by = 'time' then played.listened_ms else played.play_count end) over () as most_value
from played
inner join listening.dim_album on dim_album.album_key = played.album_key
order by
    case when :by = 'time' then played.listened_ms else played.play_count end desc,
    played.listened_ms desc,
    played.play_count desc,
    dim_album.album_name,
    played.album_key
limit :row_limit
offset :row_offset
