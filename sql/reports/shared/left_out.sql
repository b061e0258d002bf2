-- What the listener's rules leave out of the counted plays from since to before until, by a look at all of them;
-- of one recording, one artist, or (null) all.
select
    count(*) as play_count,
    coalesce(sum(marked_plays.best_ms), 0)::bigint as listened_ms
from listening.marked_plays(:since, :until)
where
    marked_plays.listener_key = :listener_key
    and listening.is_counted(
        :counts_as, marked_plays.best_ms, marked_plays.duration_ms, marked_plays.reason_end
    )
    and marked_plays.is_excluded
    and (cast(:recording_key as integer) is null or marked_plays.recording_key = :recording_key)
    and (
        cast(:artist_key as integer) is null
        or marked_plays.track_key in (
            select bridge_track_artist.track_key
            from listening.standing_artist
            inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
            where standing_artist.standing_artist_key = :artist_key
        )
    )
