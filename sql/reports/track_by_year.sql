-- Year by year, and the place among all by plays
with everything as materialized (
    -- music and spoken content are ranked apart
    select
        counted_plays.date_key / 10000 as year,
        counted_plays.recording_key,
        min(counted_plays.content_type) in ('episode', 'chapter') as is_spoken,
        count(*) as play_count
    from listening.counted_plays(:counts_as, :since, :until)
    where
        counted_plays.listener_key = :listener_key
        and counted_plays.track_key > 0
        and counted_plays.date_key / 10000 in (select report_play.date_key / 10000 from report_play)
    group by
        counted_plays.date_key / 10000,
        counted_plays.recording_key
),
track as (
    select
        report_play.date_key / 10000 as year,
        not bool_and(report_play.is_music) as is_spoken,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    group by report_play.date_key / 10000
)
select
    track.year,
    1 + (
        select count(*)
        from everything
        where
            everything.year = track.year
            and everything.is_spoken = track.is_spoken
            and everything.play_count > track.play_count
    ) as year_rank,
    track.play_count,
    track.listened_ms
from track
order by track.year
