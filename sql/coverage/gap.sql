-- Record a gap: the part of window_break that no export covers.

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
    span.reason
from (
    select
        greatest(window_break.starts_at, export.reaches_to) as starts_at,
        least(window_break.ends_at, export.reaches_back_to) as ends_at,
        window_break.reason
    from window_break
    cross join lateral (
        select
            max(coverage.ends_at) filter (
                where coverage.starts_at <= window_break.starts_at + interval '1 minute'
            ) as reaches_to,
            min(coverage.starts_at) filter (
                where coverage.ends_at >= window_break.ends_at - interval '1 minute'
            ) as reaches_back_to
        from ops.coverage
        where
            coverage.listener_key = :listener_key
            and coverage.state = 'covered'
            and coverage.source in ('extended_export', 'account_export')
    ) as export
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
