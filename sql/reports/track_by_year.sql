-- Year by year, and the place among all by plays
with ranked as (
    select
        report_play.date_key / 10000 as year,
        report_play.recording_key,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
        rank() over (
            partition by
                report_play.date_key / 10000,
                min(report_play.content_type) in ('episode', 'chapter')
            order by count(*) desc
        ) as year_rank
    from report_play
    where report_play.track_key > 0
    group by
        report_play.date_key / 10000,
        report_play.recording_key
)
select
    ranked.year,
    ranked.year_rank,
    ranked.play_count,
    ranked.listened_ms
from ranked
where ranked.recording_key = :recording_key
order by ranked.year
