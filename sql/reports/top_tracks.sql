-- Tracks
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
    where
        report_track.is_music
        and report_track.track_key > 0
    group by report_track.recording_key
),
most as (
    -- with ties, which the name puts in order
    select
        ranked.*,
        count(*) over () as total_count,
        max(case when :by = 'time' then ranked.listened_ms else ranked.play_count end) over () as most_value
    from ranked
    order by
        case when :by = 'time' then ranked.listened_ms else ranked.play_count end desc,
        ranked.listened_ms desc,
        ranked.play_count desc
    fetch first (
        coalesce(cast(:row_limit as bigint) + cast(:row_offset as bigint), 9223372036854775807)
    ) rows with ties
)
select
    dim_track.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = most.track_key
    ) as artist_names,
    most.play_count,
    most.listened_ms,
    most.first_played_at,
    most.last_played_at,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    most.recording_key,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = most.track_key
    ) as artists,
    most.total_count,
    most.most_value
from most
inner join listening.dim_track on dim_track.track_key = most.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    case when :by = 'time' then most.listened_ms else most.play_count end desc,
    most.listened_ms desc,
    most.play_count desc,
    dim_track.track_name,
    most.track_key
limit :row_limit
offset :row_offset
