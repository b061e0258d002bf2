-- Most played tracks
with credit as (
    select
        bridge_track_artist.track_key,
        max(bridge_track_artist.role) as role -- main, if an artist is both
    from listening.standing_artist
    inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
    where standing_artist.standing_artist_key = :artist_key
    group by bridge_track_artist.track_key
),
heard as (
    select
        report_play.recording_key,
        report_play.track_key,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
        min(report_play.played_at) as first_played_at,
        max(report_play.played_at) as last_played_at
    from report_play
    group by
        report_play.recording_key,
        report_play.track_key
),
ranked as (
    select
        (array_agg(heard.track_key order by heard.play_count desc, heard.track_key))[1] as track_key,
        max(credit.role) as artist_role,
        sum(heard.play_count)::bigint as play_count,
        sum(heard.listened_ms)::bigint as listened_ms,
        min(heard.first_played_at) as first_played_at,
        max(heard.last_played_at) as last_played_at
    from heard
    inner join credit on credit.track_key = heard.track_key
    group by heard.recording_key
)
select
    dim_track.track_name,
    ranked.artist_role,
    ranked.play_count,
    ranked.listened_ms,
    ranked.first_played_at,
    ranked.last_played_at,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url
from ranked
inner join listening.dim_track on dim_track.track_key = ranked.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    ranked.play_count desc,
    ranked.listened_ms desc,
    dim_track.track_name,
    ranked.track_key
limit :row_limit
