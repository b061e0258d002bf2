-- A full window whose oldest play was not known, not from an export either: what lay before it may have fallen out of Spotify's list.
-- If nothing in the window was known, that is what lay between the watermark, or the end of an export that reaches further, and the window.
-- If something was, plays came late, at the very end of the window: it may be anything since the oldest play of the window before.

insert into ops.coverage (
    listener_key,
    source,
    state,
    starts_at,
    ends_at,
    found_at,
    reason
)
select
    :listener_key,
    :source,
    'gap',
    span.starts_at,
    span.ends_at,
    :found_at,
    case
        when exists (
            select 1
            from ops.run
            where
                run.job = 'plays'
                and run.outcome in ('failed', 'waiting')
                and run.started_at > span.checked_at
                and run.started_at < :found_at
        ) then 'outage'
        when span.checked_at < cast(:found_at as timestamptz) - interval '150 minutes' then 'run_missing'
        else 'full_window'
    end
from (
    select
        case
            when not told.is_any_known and watermark.played_at < told.oldest_at
                then greatest(
                    watermark.played_at,
                    (
                        select max(coverage.ends_at)
                        from ops.coverage
                        where
                            coverage.listener_key = watermark.listener_key
                            and coverage.state = 'covered'
                            and coverage.source in ('extended_export', 'account_export')
                            and coverage.starts_at <= watermark.played_at
                            and coverage.ends_at < told.oldest_at
                    )
                )
            else watermark.window_starts_at
        end as starts_at,
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
        watermark.listener_key = :listener_key
        and watermark.source = :source
        and not told.is_oldest_known
) as span
where span.starts_at < span.ends_at
on conflict (listener_key, source, state, starts_at) do update
set
    ends_at = excluded.ends_at,
    found_at = excluded.found_at,
    reason = excluded.reason,
    closed_at = null,
    closed_by = null
where coverage.ends_at < excluded.ends_at
returning
    starts_at,
    ends_at,
    reason;
