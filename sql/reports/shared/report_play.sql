-- Shared by the parts of a report: everything the listener played from since to before until (report_listen),
-- but for what their rules leave out, and what
-- of it is a counted play (report_play); of one recording, artist, album, genre or context, or (null) all.
create temporary table report_listen on commit drop as
select
    kept_plays.play_key,
    kept_plays.played_at,
    kept_plays.date_key,
    kept_plays.time_key,
    kept_plays.track_key,
    kept_plays.recording_key,
    kept_plays.album_key,
    kept_plays.content_type in ('track', 'local') as is_music,
    kept_plays.play_profile_key,
    kept_plays.is_skipped,
    kept_plays.is_session_start,
    kept_plays.reported_ms is null as is_estimated,
    kept_plays.best_ms as listened_ms,
    listening.is_counted(:counts_as, kept_plays.best_ms, kept_plays.duration_ms, kept_plays.reason_end) as is_counted
from listening.kept_plays(:since, :until)
where
    kept_plays.listener_key = :listener_key
    and (cast(:recording_key as integer) is null or kept_plays.recording_key = :recording_key)
    and (
        cast(:artist_key as integer) is null
        or kept_plays.track_key in (
            select bridge_track_artist.track_key
            from listening.standing_artist
            inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
            where standing_artist.standing_artist_key = :artist_key
        )
    )
    and (
        -- in all its editions, as top_albums counts it
        cast(:album_key as integer) is null
        or kept_plays.album_key in (
            select album_edition.edition_key
            from listening.album_edition
            where album_edition.album_key = :album_key
        )
    )
    and (
        cast(:genre_name as text) is null
        or (
            kept_plays.content_type in ('track', 'local')
            and kept_plays.track_key in (
                select bridge_track_artist.track_key
                from listening.chosen_genre
                inner join listening.standing_artist
                    on standing_artist.standing_artist_key = chosen_genre.artist_key
                inner join listening.bridge_track_artist
                    on
                        bridge_track_artist.artist_key = standing_artist.artist_key
                        and bridge_track_artist.role = 'main'
                where chosen_genre.genres @> array[:genre_name]
            )
        )
    )
    and (cast(:context_key as integer) is null or kept_plays.context_key = :context_key);

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
