-- In numbers
select
    count(*) as play_count,
    count(*) filter (where report_credit.is_main) as main_play_count,
    count(*) filter (where not report_credit.is_main) as featured_play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
    count(distinct report_play.recording_key) as track_count,
    count(distinct report_play.date_key) as day_count,
    min(report_play.played_at) as first_played_at,
    max(report_play.played_at) as last_played_at
from report_play
inner join report_credit
    on
        report_credit.track_key = report_play.track_key
        and report_credit.artist_key = :artist_key
