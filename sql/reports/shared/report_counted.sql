-- As report_play, for a report that needs no listens that are too short to count: half the work.
create temporary table report_play on commit drop as
select
    counted_plays.played_at,
    counted_plays.date_key,
    counted_plays.time_key,
    counted_plays.track_key,
    counted_plays.recording_key,
    counted_plays.album_key,
    counted_plays.content_type in ('track', 'local') as is_music,
    counted_plays.is_estimated,
    counted_plays.listened_ms
from listening.counted_plays(:counts_as, :since, :until)
where counted_plays.listener_key = :listener_key;

-- a small sample is enough for the planner
set local default_statistics_target = 5;
analyze report_play;
