-- Albums
with played as (
    select
        report_play.album_key,
        report_play.recording_key,
        count(*) as play_count,
        sum(report_play.listened_ms) as listened_ms,
        max(report_play.played_at) as last_played_at
    from report_play
    where
        report_play.content_type in ('track', 'local')
        and report_play.album_key > 0
    group by
        report_play.album_key,
        report_play.recording_key
),
ranked as (
    -- an album known by name alone, and the same with its id, are one
    select
        (array_agg(dim_album.album_key order by dim_album.album_id is null, played.play_count desc, dim_album.album_key))[1] as album_key,
        sum(played.play_count)::bigint as play_count,
        coalesce(sum(played.listened_ms), 0)::bigint as listened_ms,
        count(distinct played.recording_key) as track_count,
        max(played.last_played_at) as last_played_at
    from played
    inner join listening.dim_album on dim_album.album_key = played.album_key
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
    dim_album.image_url
from ranked
inner join listening.dim_album on dim_album.album_key = ranked.album_key
order by
    case when :by = 'time' then ranked.listened_ms else ranked.play_count end desc,
    ranked.listened_ms desc,
    ranked.play_count desc,
    dim_album.album_name,
    ranked.album_key
limit :row_limit
