-- What is still unknown
with unknown as (
    select
        count(*) as play_count,
        count(*) filter (where report_play.track_key = 0) as unnamed_play_count,
        count(distinct report_play.track_key) filter (
            where dim_track.fetched_at is null and report_play.track_key > 0
        ) as inferred_track_count,
        count(*) filter (where report_play.is_estimated) as estimated_play_count,
        count(*) filter (where report_play.listened_ms is null) as unmeasured_play_count
    from report_play
    inner join listening.dim_track on dim_track.track_key = report_play.track_key
),
recorded as (
    -- null if nothing of the span is recorded
    select
        unknown.play_count > 0
        or cast(:covered_days as datemultirange) && daterange(:since_date, :until_date, '[]') as is_recorded
    from unknown
)
select
    (
        select count(*)
        from listening.coverage_span
        where
            coverage_span.listener_key = :listener_key
            and coverage_span.state = 'gap'
            and coverage_span.closed_at is null
            and coverage_span.starts_at < :until
            and coverage_span.ends_at >= :since
    ) as gap_count,
    case when recorded.is_recorded then unknown.unnamed_play_count end as unnamed_play_count,
    case when recorded.is_recorded then unknown.inferred_track_count end as inferred_track_count,
    case when recorded.is_recorded then unknown.estimated_play_count end as estimated_play_count,
    case when recorded.is_recorded then unknown.unmeasured_play_count end as unmeasured_play_count
from unknown
cross join recorded
