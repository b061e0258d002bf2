-- The ledger after a look at Spotify's list: the span that it covers goes on to now, or, after a gap, ends there and a new one begins.

with latest as (
    select max(coverage.starts_at) as starts_at
    from ops.coverage
    where
        coverage.listener_key = :listener_key
        and coverage.source = :source
        and coverage.state = 'covered'
),
going_on as (
    update ops.coverage
    set ends_at = coalesce(cast(:gap_starts_at as timestamptz), greatest(coverage.ends_at, :checked_at))
    from latest
    where
        coverage.listener_key = :listener_key
        and coverage.source = :source
        and coverage.state = 'covered'
        and coverage.starts_at = latest.starts_at
    returning coverage.coverage_key
)
insert into ops.coverage (
    listener_key,
    source,
    state,
    starts_at,
    ends_at,
    found_at
)
select
    :listener_key,
    :source,
    'covered',
    coalesce(
        cast(:gap_ends_at as timestamptz),
        (select min(staged_report.told_at) from staged_report),
        :checked_at
    ),
    :checked_at,
    :checked_at
where
    cast(:gap_ends_at as timestamptz) is not null
    or not exists (select 1 from going_on)
on conflict (listener_key, source, state, starts_at) do update
set ends_at = greatest(coverage.ends_at, excluded.ends_at);
