-- Coverage and watermark after a page that brought nothing new (matching/02_page_recorded.sql): extends the covered
-- span to this poll and updates the watermark, as covered.sql and watermark.sql do for other pages.

with latest as (
    select max(coverage.starts_at) as starts_at
    from ops.coverage
    where
        coverage.listener_key = :listener_key
        and coverage.source = :source
        and coverage.state = 'covered'
),
extended as (
    update ops.coverage
    set ends_at = greatest(coverage.ends_at, :checked_at)
    from latest
    where
        coverage.listener_key = :listener_key
        and coverage.source = :source
        and coverage.state = 'covered'
        and coverage.starts_at = latest.starts_at
    returning coverage.coverage_key
),
begun as (
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
        coalesce(cast(:window_starts_at as timestamptz), :checked_at),
        :checked_at,
        :checked_at
    where not exists (select 1 from extended)
    on conflict (listener_key, source, state, starts_at) do update
    set ends_at = greatest(coverage.ends_at, excluded.ends_at)
)
insert into ops.watermark (
    listener_key,
    source,
    played_at,
    checked_at,
    window_starts_at
)
values (
    :listener_key,
    :source,
    :played_at,
    :checked_at,
    :window_starts_at
)
on conflict (listener_key, source) do update
set
    played_at = excluded.played_at,
    checked_at = greatest(watermark.checked_at, excluded.checked_at),
    window_starts_at = coalesce(excluded.window_starts_at, watermark.window_starts_at)
