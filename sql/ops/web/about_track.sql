-- A recording that the listener has played, by the key of any of its tracks; named as its most played track. No row:
-- never played.
with recording as (
    select coalesce(dim_track.recording_key, dim_track.track_key) as recording_key
    from listening.dim_track
    where
        dim_track.track_key = :key
        and dim_track.track_key > 0
),
most as (
    select
        fact_play.track_key,
        recording.recording_key
    from recording
    inner join listening.dim_track
        on
            dim_track.recording_key = recording.recording_key
            or dim_track.track_key = recording.recording_key
    inner join listening.fact_play on fact_play.track_key = dim_track.track_key
    where fact_play.listener_key = :listener_key
    group by
        fact_play.track_key,
        recording.recording_key
    order by
        count(*) desc,
        fact_play.track_key
    limit 1
)
select
    most.recording_key as key,
    most.track_key,
    dim_track.track_name as name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = most.track_key
    ) as artist_names,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = most.track_key
    ) as artists,
    dim_album.album_key,
    dim_album.album_name,
    dim_track.duration_ms,
    listening.spotify_url(dim_track.track_uri) as url,
    dim_album.image_url
from most
inner join listening.dim_track on dim_track.track_key = most.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
