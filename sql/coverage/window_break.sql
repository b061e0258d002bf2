-- Where Spotify's list, as a full window of it tells, may have forgotten plays: between what it told before and the oldest play in the
-- window, if that play was not known, not from an export either. No row when the two looks meet.
-- If nothing in the window was known, it begins at the watermark, or, when the list has never told a play, at the last look at it.
-- If something was, plays came late, at the very end of the window: it may be anything since the oldest play of the window before.

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
            case when not told.is_any_known and watermark.played_at < told.oldest_at then watermark.played_at end,
            watermark.window_starts_at,
            watermark.checked_at
        ) as starts_at,
        told.oldest_at as ends_at,
        watermark.checked_at
    from ops.watermark
    cross join (
        select
            min(told_play.told_at) as oldest_at,
            coalesce(bool_or(listen.play_key is not null), false) as is_any_known,
            coalesce((array_agg(listen.play_key is not null order by told_play.told_at))[1], false) as is_oldest_known
        from told_play
        left join same_listen on same_listen.other_number = told_play.told_number
        left join listen on listen.listen_number = coalesce(same_listen.told_number, told_play.told_number)
        where
            told_play.source = 'recently_played'
            and told_play.item_number is not null
    ) as told
    where
        :is_full_window
        and watermark.listener_key = :listener_key
        and watermark.source = :source
        and not told.is_oldest_known
) as span
where span.starts_at < span.ends_at;
