-- Most played tracks
with ranked as (
    select
        report_track.recording_key,
        (
            array_agg(report_track.track_key order by report_track.play_count desc, report_track.track_key)
        )[1] as track_key,
        case when bool_or(report_credit.is_main) then 'main' else 'featured' end as artist_role,
        sum(report_track.play_count)::bigint as play_count,
        sum(report_track.listened_ms)::bigint as listened_ms,
        min(report_track.first_played_at) as first_played_at,
        max(report_track.last_played_at) as last_played_at
    from report_track
    inner join report_credit
        on
            report_credit.track_key = report_track.track_key
            and report_credit.artist_key = :artist_key
    group by report_track.recording_key
)
select
    dim_track.track_name,
    ranked.artist_role,
    ranked.play_count,
    ranked.listened_ms,
    ranked.first_played_at,
    ranked.last_played_at,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    ranked.recording_key
from ranked
inner join listening.dim_track on dim_track.track_key = ranked.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    ranked.play_count desc,
    ranked.listened_ms desc,
    dim_track.track_name,
    ranked.track_key
limit :row_limit
