-- Most played tracks, or episodes, of what the report is about
with ranked as (
    select
        report_track.recording_key,
        (
            array_agg(report_track.track_key order by report_track.play_count desc, report_track.track_key)
        )[1] as track_key,
        sum(report_track.play_count)::bigint as play_count,
        sum(report_track.listened_ms)::bigint as listened_ms,
        min(report_track.first_played_at) as first_played_at,
        max(report_track.last_played_at) as last_played_at
    from report_track
    where report_track.track_key > 0
    group by report_track.recording_key
)
select
    dim_track.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = ranked.track_key
    ) as artist_names,
    ranked.play_count,
    ranked.listened_ms,
    ranked.first_played_at,
    ranked.last_played_at,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    ranked.recording_key,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = ranked.track_key
    ) as artists
from ranked
inner join listening.dim_track on dim_track.track_key = ranked.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    ranked.play_count desc,
    ranked.listened_ms desc,
    dim_track.track_name,
    ranked.track_key
limit :row_limit
