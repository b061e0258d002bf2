-- The span in which Spotify's list may have lost plays, judged by a full page of it: from what it reported before to
-- the oldest play of the page, if that play was not recorded, not from an export either. No row when the two polls
-- overlap. If no play of the page was recorded, the span starts at the watermark, or at the last poll if the list never
-- had a play. If some play was, plays arrived late at the very end of the page: the span starts at the oldest play of
-- the page before.

create temporary table window_break on commit drop as
select
    span.starts_at,
    span.ends_at,
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
            case when not page.is_any_known and watermark.played_at < page.oldest_at then watermark.played_at end,
            watermark.window_starts_at,
            watermark.checked_at
        ) as starts_at,
        page.oldest_at as ends_at,
        watermark.checked_at
    from ops.watermark
    cross join (
        select
            min(source_play.observed_at) as oldest_at,
            coalesce(bool_or(resolved_play.play_key is not null), false) as is_any_known,
            coalesce(
                (array_agg(resolved_play.play_key is not null order by source_play.observed_at))[1],
                false
            ) as is_oldest_known
        from source_play
        left join play_match on play_match.other_number = source_play.source_play_number
        left join resolved_play
            on resolved_play.resolved_number = coalesce(play_match.source_play_number, source_play.source_play_number)
        where
            source_play.source = 'recently_played'
            and source_play.item_number is not null
    ) as page
    where
        :is_full_window
        and watermark.listener_key = :listener_key
        and watermark.source = :source
        and not page.is_oldest_known
) as span
where span.starts_at < span.ends_at;
