-- The span in which Spotify's list may have lost plays, judged by a full page of it whose oldest play was not recorded,
-- not from an export either: everything since that play is in the page, so what was lost lies before it. The span begins
-- at the last play known before it, or at the last poll if none is. If some play of the page was recorded, plays arrived
-- late at the very end of the page, maybe between recorded ones: the span begins at the oldest play of the page before.
-- No row if nothing can lie between: no room for half a minute of another play beside the oldest play itself.

create temporary table window_break on commit drop as
with page as (
    select
        batch_observation.observed_at,
        batch_observation.track_key,
        coalesce(batch_observation.recorded_play_key is not null or not resolved_play.is_new, false) as is_known
    from batch_observation
    inner join listening.source on source.source_key = batch_observation.source_key
    left join near_observation
        on
            near_observation.is_new
            and near_observation.source_key = batch_observation.source_key
            and near_observation.observed_at = batch_observation.observed_at
            and near_observation.track_key = batch_observation.track_key
    left join play_member on play_member.source_play_number = near_observation.source_play_number
    left join resolved_play
        on resolved_play.play_number = coalesce(play_member.play_number, near_observation.source_play_number)
    where source.source_name = :source
),
oldest as (
    select
        page.observed_at,
        bool_or(page.is_known) as is_known,
        max(dim_track.duration_ms) as duration_ms
    from page
    inner join listening.dim_track on dim_track.track_key = page.track_key
    where page.observed_at = (select min(first.observed_at) from page as first)
    group by page.observed_at
),
known_before as (
    select max(fact_play.played_at) as played_at
    from listening.fact_play
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at < (select oldest.observed_at from oldest)
)
select
    span.starts_at,
    span.ends_at,
    span.listed_to_at,
    case
        when exists (
            select 1
            from ops.run
            where
                run.job = 'plays'
                and run.outcome in ('failed', 'waiting')
                and run.started_at > span.checked_at
                and run.started_at < :found_at
                and coalesce(run.listener_key, :listener_key) = :listener_key
        ) then 'outage'
        when span.checked_at < cast(:found_at as timestamptz) - interval '150 minutes' then 'run_missing'
        else 'full_window'
    end as reason
from (
    select
        coalesce(
            case when not page_known.is_any_known then known_before.played_at end,
            watermark.window_starts_at,
            watermark.checked_at
        ) as starts_at,
        oldest.observed_at as ends_at,
        -- how far the list itself reached
        coalesce(
            case when watermark.played_at < oldest.observed_at then watermark.played_at end,
            watermark.window_starts_at,
            watermark.checked_at
        ) as listed_to_at,
        watermark.checked_at,
        coalesce(oldest.duration_ms, 0) as duration_ms
    from ops.watermark
    cross join oldest
    cross join known_before
    cross join (select coalesce(bool_or(page.is_known), false) as is_any_known from page) as page_known
    where
        :is_full_window
        and watermark.listener_key = :listener_key
        and watermark.source = :source
        and not oldest.is_known
) as span
where span.starts_at + (span.duration_ms + 30000) * interval '1 millisecond' < span.ends_at;
