-- Shared by the parts of a report: everything the listener played from since to before until (report_listen), and what
-- of it is a counted play (report_play); of one recording, one artist, or (null) all.
create temporary table report_listen on commit drop as
select
    timed_plays.play_key,
    timed_plays.played_at,
    timed_plays.date_key,
    timed_plays.time_key,
    timed_plays.track_key,
    timed_plays.recording_key,
    timed_plays.album_key,
    timed_plays.content_type in ('track', 'local') as is_music,
    timed_plays.play_profile_key,
    timed_plays.is_skipped,
    timed_plays.is_session_start,
    timed_plays.reported_ms is null as is_estimated,
    timed_plays.best_ms as listened_ms,
    listening.is_counted(:counts_as, timed_plays.best_ms, timed_plays.duration_ms, timed_plays.reason_end) as is_counted
from listening.timed_plays(:since, :until)
where
    timed_plays.listener_key = :listener_key
    and (cast(:recording_key as integer) is null or timed_plays.recording_key = :recording_key)
    and (
        cast(:artist_key as integer) is null
        or timed_plays.track_key in (
            select bridge_track_artist.track_key
            from listening.standing_artist
            inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
            where standing_artist.standing_artist_key = :artist_key
        )
    );

create temporary table report_play on commit drop as
select
    report_listen.played_at,
    report_listen.date_key,
    report_listen.time_key,
    report_listen.track_key,
    report_listen.recording_key,
    report_listen.album_key,
    report_listen.is_music,
    report_listen.is_estimated,
    report_listen.listened_ms
from report_listen
where report_listen.is_counted;

-- a small sample is enough for the planner
set local default_statistics_target = 5;
analyze report_play;
