-- As report_track, for a report that has made report_play: computed from that in less than half the time.
create temporary table report_track on commit drop as
select
    report_play.track_key,
    report_play.recording_key,
    report_play.album_key,
    report_play.is_music,
    count(*)::integer as play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
    min(report_play.played_at) as first_played_at,
    max(report_play.played_at) as last_played_at
from report_play
group by
    report_play.track_key,
    report_play.recording_key,
    report_play.album_key,
    report_play.is_music;

analyze report_track;
