-- In numbers
with total as (
    select
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms,
        (
            select count(*)
            from (
                select distinct report_track.recording_key
                from report_track
                where
                    report_track.is_music
                    and report_track.track_key > 0
            ) as recording
        ) as track_count,
        (
            select count(*)
            from (
                select distinct report_credit.artist_key
                from report_credit
                where report_credit.is_main
            ) as artist
        ) as artist_count,
        (select count(*) from (select distinct heard.date_key from report_play as heard) as day) as day_count,
        coalesce(
            sum(report_play.listened_ms) filter (where not report_play.is_music), 0
        )::double precision / nullif(sum(report_play.listened_ms), 0) as podcast_share,
        coalesce(sum(report_play.listened_ms) filter (where report_play.is_estimated), 0)::double precision
        / nullif(sum(report_play.listened_ms), 0) as estimated_share,
        min(report_play.played_at) as first_played_at,
        max(report_play.played_at) as last_played_at
    from report_play
),
recorded as (
    -- null if nothing of the span is recorded
    select
        total.play_count > 0
        or cast(:covered_days as datemultirange) && daterange(:since_date, :until_date, '[]') as is_recorded
    from total
)
select
    case when recorded.is_recorded then total.play_count end as play_count,
    case when recorded.is_recorded then total.listened_ms end as listened_ms,
    case when recorded.is_recorded then total.track_count end as track_count,
    case when recorded.is_recorded then total.artist_count end as artist_count,
    case when recorded.is_recorded then total.day_count end as day_count,
    total.podcast_share,
    total.estimated_share,
    total.first_played_at,
    total.last_played_at
from total
cross join recorded
