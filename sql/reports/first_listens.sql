-- Heard for the first time
with heard as (
    select
        report_track.recording_key,
        min(report_track.track_key) as track_key,
        sum(report_track.play_count)::bigint as play_count,
        min(report_track.first_played_at) as first_played_at
    from report_track
    where
        report_track.is_music
        and report_track.track_key > 0
    group by report_track.recording_key
),
new as (
    select heard.*
    from heard
    where heard.recording_key not in (
        select counted_plays.recording_key
        from listening.counted_plays(:counts_as, '-infinity', :since)
        where
            counted_plays.listener_key = :listener_key
            and counted_plays.recording_key in (select known.recording_key from heard as known)
    )
)
select
    dim_track.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = new.track_key
    ) as artist_names,
    new.play_count,
    new.first_played_at,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    coalesce(new.first_played_at >= :new_at, false) as is_discovery,
    new.track_key,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = new.track_key
    ) as artists
from new
inner join listening.dim_track on dim_track.track_key = new.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    new.first_played_at,
    new.track_key
