-- Plays by track: totals of the counted plays from since to before until, once for all parts of a report. Where there
-- are rules, left_out_of_tracks has to take what they leave out from it.
create temporary table report_track on commit drop as
select
    marked_plays.track_key,
    marked_plays.recording_key,
    marked_plays.album_key,
    marked_plays.content_type in ('track', 'local') as is_music,
    count(*)::integer as play_count,
    coalesce(sum(marked_plays.best_ms), 0)::bigint as listened_ms,
    min(marked_plays.played_at) as first_played_at,
    max(marked_plays.played_at) as last_played_at,
    marked_plays.is_excluded and not cast(:with_excluded as boolean) as is_excluded
from listening.marked_plays(:since, :until)
where
    marked_plays.listener_key = :listener_key
    and listening.is_counted(:counts_as, marked_plays.best_ms, marked_plays.duration_ms, marked_plays.reason_end)
group by
    marked_plays.track_key,
    marked_plays.recording_key,
    marked_plays.album_key,
    marked_plays.content_type in ('track', 'local'),
    marked_plays.is_excluded and not cast(:with_excluded as boolean);

-- a small sample is enough for the planner
set local default_statistics_target = 5;
analyze report_track;
