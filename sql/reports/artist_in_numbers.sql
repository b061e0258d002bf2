-- In numbers
select
    count(*) as play_count,
    count(*) filter (where credit.role = 'main') as main_play_count,
    count(*) filter (where credit.role = 'featured') as featured_play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
    count(distinct report_play.recording_key) as track_count,
    count(distinct report_play.date_key) as day_count,
    min(report_play.played_at) as first_played_at,
    max(report_play.played_at) as last_played_at
from report_play
inner join (
    select
        bridge_track_artist.track_key,
        max(bridge_track_artist.role) as role -- main, if an artist is both
    from listening.standing_artist
    inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
    where standing_artist.standing_artist_key = :artist_key
    group by bridge_track_artist.track_key
) as credit on credit.track_key = report_play.track_key
