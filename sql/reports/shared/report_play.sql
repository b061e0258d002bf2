-- Shared by the parts of a report: everything the listener played from since to before until (report_listen), and what
-- of it is a counted play that no rule leaves out (report_play); of one recording, artist, album, genre or context, or
-- (null) all. Where there are rules, left_out_of_plays has to take what they leave out from report_listen.
create temporary table report_listen on commit drop as
select
    marked_plays.play_key,
    marked_plays.played_at,
    marked_plays.date_key,
    marked_plays.time_key,
    marked_plays.track_key,
    marked_plays.recording_key,
    marked_plays.album_key,
    marked_plays.content_type in ('track', 'local') as is_music,
    marked_plays.play_profile_key,
    marked_plays.is_skipped,
    marked_plays.is_session_start,
    marked_plays.reported_ms is null as is_estimated,
    marked_plays.best_ms as listened_ms,
    listening.is_counted(:counts_as, marked_plays.best_ms, marked_plays.duration_ms, marked_plays.reason_end)
        as is_counted,
    marked_plays.is_excluded and not cast(:with_excluded as boolean) as is_excluded
from listening.marked_plays(:since, :until)
where
    marked_plays.listener_key = :listener_key
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
    and (
        -- in all its editions, as top_albums counts it
        cast(:album_key as integer) is null
        or marked_plays.album_key in (
            select album_edition.edition_key
            from listening.album_edition
            where album_edition.album_key = :album_key
        )
    )
    and (
        cast(:genre_name as text) is null
        or (
            marked_plays.content_type in ('track', 'local')
            and marked_plays.track_key in (
                select bridge_track_artist.track_key
                from listening.chosen_genre
                inner join listening.standing_artist
                    on standing_artist.standing_artist_key = chosen_genre.artist_key
                inner join listening.bridge_track_artist
                    on
                        bridge_track_artist.artist_key = standing_artist.artist_key
                        and bridge_track_artist.role = 'main'
                where
                    lower(:genre_name) in (
                        select lower(spelling.word) from unnest(chosen_genre.genres) as spelling (word)
                    )
            )
        )
    )
    and (cast(:context_key as integer) is null or marked_plays.context_key = :context_key);

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
where
    report_listen.is_counted
    and not report_listen.is_excluded;

-- a small sample is enough for the planner
set local default_statistics_target = 5;
analyze report_play;
