-- Most plays of one track in one day
with heard as (
    select
        report_play.date_key,
        report_play.recording_key,
        min(report_play.track_key) as track_key,
        count(*) as play_count
    from report_play
    where
        report_play.is_music
        and report_play.track_key > 0
    group by
        report_play.date_key,
        report_play.recording_key
    order by
        count(*) desc,
        sum(report_play.listened_ms) desc nulls last,
        report_play.date_key,
        min(report_play.track_key)
    limit 1
)
select
    dim_track.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = heard.track_key
    ) as artist_names,
    to_date(heard.date_key::text, 'yyyymmdd') as local_date,
    heard.play_count,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    heard.track_key,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = heard.track_key
    ) as artists
from heard
inner join listening.dim_track on dim_track.track_key = heard.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
