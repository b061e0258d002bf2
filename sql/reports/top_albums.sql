-- Albums
with ranked as (
    -- albums of one name by the same artists count as one: editions differ in id, and one from an export has none
    select
        (
            array_agg(
                dim_album.album_key
                order by dim_album.album_id is null, report_track.play_count desc, dim_album.album_key
            )
        )[1] as album_key,
        sum(report_track.play_count)::bigint as play_count,
        coalesce(sum(report_track.listened_ms), 0)::bigint as listened_ms,
        count(distinct report_track.recording_key) as track_count,
        max(report_track.last_played_at) as last_played_at
    from report_track
    inner join listening.dim_album on dim_album.album_key = report_track.album_key
    where
        report_track.is_music
        and report_track.album_key > 0
    group by
        dim_album.album_name,
        dim_album.album_artist_name
)
select
    dim_album.album_name,
    dim_album.album_artist_name as artist_names,
    ranked.play_count,
    ranked.listened_ms,
    ranked.track_count,
    ranked.last_played_at,
    listening.spotify_url('spotify:album:' || dim_album.album_id) as album_url,
    dim_album.image_url,
    ranked.album_key,
    count(*) over () as total_count,
    max(case when :by = 'time' then ranked.listened_ms else ranked.play_count end) over () as most_value
from ranked
inner join listening.dim_album on dim_album.album_key = ranked.album_key
order by
    case when :by = 'time' then ranked.listened_ms else ranked.play_count end desc,
    ranked.listened_ms desc,
    ranked.play_count desc,
    dim_album.album_name,
    ranked.album_key
limit :row_limit
offset :row_offset
