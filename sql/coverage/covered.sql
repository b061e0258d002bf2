-- The coverage ledger after a poll of the list: extend the covered span to this poll; or end it where the list may have
-- lost plays, and start a new one after that.

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
    set ends_at = coalesce(
        -- an export may know plays after that, but the list was not asked then
        (select least(window_break.starts_at, window_break.listed_to_at) from window_break),
        greatest(coverage.ends_at, :checked_at)
    )
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
        (select window_break.ends_at from window_break),
        (select min(batch_observation.observed_at) from batch_observation),
        :checked_at
    ),
    :checked_at,
    :checked_at
where
    exists (select 1 from window_break)
    or not exists (select 1 from going_on)
on conflict (listener_key, source, state, starts_at) do update
set ends_at = greatest(coverage.ends_at, excluded.ends_at);
