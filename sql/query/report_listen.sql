-- Everything that was listened to from since to before until, however short, once for all parts of a report.
create temporary table report_listen on commit drop as
select
    timed_plays.play_key,
    timed_plays.played_at,
    timed_plays.date_key,
    timed_plays.track_key,
    timed_plays.recording_key,
    timed_plays.content_type,
    timed_plays.play_profile_key,
    timed_plays.is_skipped,
    timed_plays.is_session_start,
    timed_plays.best_ms
from listening.timed_plays(:since, :until)
where timed_plays.listener_key = :listener_key;

-- a glance is enough for the planner, and takes less than it saves
set local default_statistics_target = 5;
analyze report_listen;
