-- Totals of a listener by day, week, month or year (period): every one of which a day is in the span.
select
    recorded_totals.period_start,
    recorded_totals.play_count,
    recorded_totals.listened_ms,
    recorded_totals.estimated_ms,
    recorded_totals.track_count,
    recorded_totals.artist_count,
    recorded_totals.new_track_count,
    recorded_totals.new_artist_count,
    recorded_totals.podcast_ms,
    recorded_totals.listen_count,
    recorded_totals.skip_count,
    recorded_totals.coverage,
    recorded_totals.day_count,
    recorded_totals.covered_day_count
from listening.recorded_totals(:counts_as, :period)
where
    recorded_totals.listener_key = :listener_key
    and (
        cast(:since_date as date) is null
        or recorded_totals.period_start >= date_trunc(:period, cast(:since_date as timestamp))::date
    )
    and (cast(:until_date as date) is null or recorded_totals.period_start <= :until_date)
order by recorded_totals.period_start
