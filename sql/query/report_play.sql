-- What a report counts: the listener's plays from since to before until, and what they come to by track, once for all its parts.
create temporary table report_play on commit drop as
select
    counted_plays.play_key,
    counted_plays.played_at,
    counted_plays.date_key,
    counted_plays.time_key,
    counted_plays.track_key,
    counted_plays.recording_key,
    counted_plays.album_key,
    counted_plays.content_type,
    counted_plays.is_estimated,
    counted_plays.listened_ms
from listening.counted_plays(:counts_as, :since, :until)
where counted_plays.listener_key = :listener_key;

-- a glance is enough for the planner, and takes less than it saves
set local default_statistics_target = 5;
analyze report_play;

create temporary table report_track on commit drop as
select
    report_play.track_key,
    report_play.recording_key,
    report_play.album_key,
    report_play.content_type,
    count(*) as play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
    min(report_play.played_at) as first_played_at,
    max(report_play.played_at) as last_played_at
from report_play
group by
    report_play.track_key,
    report_play.recording_key,
    report_play.album_key,
    report_play.content_type;

analyze report_track;
