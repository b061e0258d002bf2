-- Heard for the first time
with heard as (
    select
        report_track.recording_key,
        min(report_track.track_key) as track_key,
        sum(report_track.play_count)::bigint as play_count,
        min(report_track.first_played_at) as first_played_at
    from report_track
    where
        report_track.content_type in ('track', 'local')
        and report_track.track_key > 0
    group by report_track.recording_key
),
earlier as materialized (
    select
        coalesce(dim_track.recording_key, dim_track.track_key) as recording_key,
        fact_play.play_key,
        fact_play.played_at
    from listening.fact_play
    inner join listening.dim_track on dim_track.track_key = fact_play.track_key
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at < :since
        and coalesce(dim_track.recording_key, dim_track.track_key) in (select heard.recording_key from heard)
),
new as (
    select heard.*
    from heard
    where (
        -- an earlier listen, if it counts; looked for only until one is found
        select true
        from earlier
        cross join lateral listening.counted_plays(
            :counts_as, earlier.played_at, earlier.played_at + interval '1 microsecond'
        ) as counted_plays
        where
            earlier.recording_key = heard.recording_key
            and counted_plays.listener_key = :listener_key
            and counted_plays.play_key = earlier.play_key
        limit 1
    ) is null
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
    dim_album.image_url
from new
inner join listening.dim_track on dim_track.track_key = new.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    new.first_played_at,
    new.track_key
