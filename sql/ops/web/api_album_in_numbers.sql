-- The counted plays of an album (report_play) in numbers.
select
    count(*) as play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
    count(distinct report_play.recording_key) as track_count,
    count(distinct report_play.date_key) as day_count,
    min(report_play.played_at) as first_played_at,
    max(report_play.played_at) as last_played_at
from report_play
where report_play.album_key = any(cast(:album_keys as integer[]))
