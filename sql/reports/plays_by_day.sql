-- Day by day
select
    to_date(report_play.date_key::text, 'yyyymmdd') as local_date,
    count(*) as play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
from report_play
group by report_play.date_key
order by report_play.date_key
