-- Discovered
with known as (
    select distinct
        earlier.track_key,
        earlier.recording_key
    from listening.counted_plays(:counts_as, '-infinity', :since) as earlier
    where earlier.listener_key = :listener_key
),
known_artist as (
    select distinct standing_artist.standing_artist_key as artist_key
    from known
    inner join listening.bridge_track_artist
        on
            bridge_track_artist.track_key = known.track_key
            and bridge_track_artist.role = 'main'
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
),
heard_artist as (
    select
        report_credit.artist_key,
        sum(report_track.play_count)::bigint as play_count,
        sum(report_track.listened_ms)::bigint as listened_ms,
        min(report_track.first_played_at) as first_played_at
    from report_track
    inner join report_credit
        on
            report_credit.track_key = report_track.track_key
            and report_credit.is_main
    where
        report_track.is_music
        and report_credit.artist_key not in (select known_artist.artist_key from known_artist)
    group by report_credit.artist_key
    -- before that, the record is too young to tell what is new
    having min(report_track.first_played_at) >= :new_at
)
select
    dim_artist.artist_name,
    heard_artist.play_count,
    heard_artist.listened_ms,
    heard_artist.first_played_at,
    listening.spotify_url('spotify:artist:' || dim_artist.artist_id) as artist_url,
    dim_artist.image_url,
    count(*) over () as new_artist_count,
    (
        select count(*)
        from (
            select report_track.recording_key
            from report_track
            where
                report_track.is_music
                and report_track.track_key > 0
                and report_track.recording_key not in (select known.recording_key from known)
            group by report_track.recording_key
            having min(report_track.first_played_at) >= :new_at
        ) as new_recording
    ) as new_track_count,
    heard_artist.artist_key
from heard_artist
inner join listening.dim_artist on dim_artist.artist_key = heard_artist.artist_key
order by
    heard_artist.play_count desc,
    heard_artist.listened_ms desc,
    dim_artist.artist_name,
    heard_artist.artist_key
limit :row_limit
