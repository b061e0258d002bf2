-- In numbers
select
    count(*) as play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
    count(distinct report_play.date_key) as day_count,
    min(report_play.played_at) as first_played_at,
    max(report_play.played_at) as last_played_at
from report_play
