-- The counted plays of an album (report_play) year by year.
select
    report_play.date_key / 10000 as year,
    count(*) as play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
from report_play
where report_play.album_key = any(cast(:album_keys as integer[]))
group by report_play.date_key / 10000
order by report_play.date_key / 10000
