-- How many plays a history has, under the conditions of sql/reports/history.sql.
select count(*) as play_count
from listening.timed_plays(:since, :until) as timed_plays
where
    timed_plays.listener_key = :listener_key
    and listening.is_counted(:counts_as, timed_plays.best_ms, timed_plays.duration_ms, timed_plays.reason_end)
    and (cast(:recording_key as integer) is null or timed_plays.recording_key = :recording_key)
    and (
        cast(:artist_key as integer) is null
        or timed_plays.track_key in (
            select bridge_track_artist.track_key
            from listening.standing_artist
            inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
            where standing_artist.standing_artist_key = :artist_key
        )
    )
