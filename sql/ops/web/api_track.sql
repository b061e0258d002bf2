-- The recording of a track's key, if the listener ever played it, by the id that they played most. No row otherwise.
select
    most.recording_key,
    most.track_key,
    dim_track.track_name,
    dim_track.content_type,
    nullif(dim_album.album_key, 0) as album_key,
    dim_album.album_name,
    dim_track.duration_ms,
    dim_track.track_uri,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url
from (
    select
        recording.recording_key,
        fact_play.track_key
    from (
        select coalesce(asked.recording_key, asked.track_key) as recording_key
        from listening.dim_track as asked
        where asked.track_key = :recording_key
    ) as recording
    inner join listening.dim_track as same on coalesce(same.recording_key, same.track_key) = recording.recording_key
    inner join listening.fact_play on fact_play.track_key = same.track_key
    where fact_play.listener_key = :listener_key
    group by
        recording.recording_key,
        fact_play.track_key
    order by
        count(*) desc,
        fact_play.track_key
    limit 1
) as most
inner join listening.dim_track on dim_track.track_key = most.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
