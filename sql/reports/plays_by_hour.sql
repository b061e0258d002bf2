-- When in the day
select
    clock.hour,
    count(report_play.played_at) as play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
from generate_series(0, 23) as clock (hour)
left join report_play on report_play.time_key / 60 = clock.hour
group by clock.hour
order by clock.hour
