-- Plays by track: totals of the counted plays from since to before until, once for all parts of a report.
create temporary table report_track on commit drop as
select
    counted_plays.track_key,
    counted_plays.recording_key,
    counted_plays.album_key,
    counted_plays.content_type in ('track', 'local') as is_music,
    count(*)::integer as play_count,
    coalesce(sum(counted_plays.listened_ms), 0)::bigint as listened_ms,
    min(counted_plays.played_at) as first_played_at,
    max(counted_plays.played_at) as last_played_at
from listening.counted_plays(:counts_as, :since, :until)
where counted_plays.listener_key = :listener_key
group by
    counted_plays.track_key,
    counted_plays.recording_key,
    counted_plays.album_key,
    counted_plays.content_type in ('track', 'local');

-- a small sample is enough for the planner
set local default_statistics_target = 5;
analyze report_track;
