-- In numbers
select
    count(*) as play_count,
    coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
    (
        select count(*)
        from (
            select distinct heard.recording_key
            from report_play as heard
            where
                heard.content_type in ('track', 'local')
                and heard.track_key > 0
        ) as recording
    ) as track_count,
    (
        select count(distinct standing_artist.standing_artist_key)
        from (select distinct heard.track_key from report_play as heard) as heard
        inner join listening.bridge_track_artist
            on
                bridge_track_artist.track_key = heard.track_key
                and bridge_track_artist.role = 'main'
        inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
    ) as artist_count,
    (select count(*) from (select distinct heard.date_key from report_play as heard) as day) as day_count,
    coalesce(
        sum(report_play.listened_ms) filter (where report_play.content_type in ('episode', 'chapter')), 0
    )::double precision / nullif(sum(report_play.listened_ms), 0) as podcast_share,
    coalesce(sum(report_play.listened_ms) filter (where report_play.is_estimated), 0)::double precision
    / nullif(sum(report_play.listened_ms), 0) as estimated_share,
    min(report_play.played_at) as first_played_at,
    max(report_play.played_at) as last_played_at
from report_play
