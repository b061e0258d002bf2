-- The coverage ledger after a flush of the recorder: the spans in which it had answers. Spans that meet become one.

create temporary table watched_span on commit drop as
with span as (
    select
        given.starts_at,
        given.ends_at
    from unnest(cast(:starts_at as timestamptz[]), cast(:ends_at as timestamptz[])) as given (starts_at, ends_at)
    where given.starts_at < given.ends_at
    union all
    select
        coverage.starts_at,
        coverage.ends_at
    from ops.coverage
    where
        coverage.listener_key = :listener_key
        and coverage.source = 'player'
        and coverage.state = 'covered'
        and coverage.ends_at >= (
            select min(given.starts_at)
            from unnest(cast(:starts_at as timestamptz[])) as given (starts_at)
        )
),
met as (
    select
        span.starts_at,
        span.ends_at,
        span.starts_at > max(span.ends_at) over (
            order by
                span.starts_at,
                span.ends_at
            rows between unbounded preceding and 1 preceding
        ) as is_apart
    from span
),
joined as (
    select
        met.starts_at,
        met.ends_at,
        count(*) filter (where met.is_apart) over (
            order by
                met.starts_at,
                met.ends_at
        ) as span_number
    from met
)
select
    min(joined.starts_at) as starts_at,
    max(joined.ends_at) as ends_at
from joined
group by joined.span_number;

delete from ops.coverage
using watched_span
where
    coverage.listener_key = :listener_key
    and coverage.source = 'player'
    and coverage.state = 'covered'
    and coverage.starts_at > watched_span.starts_at
    and coverage.starts_at <= watched_span.ends_at;

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
    'player',
    'covered',
    watched_span.starts_at,
    watched_span.ends_at,
    :now
from watched_span
on conflict (listener_key, source, state, starts_at) do update
set ends_at = greatest(coverage.ends_at, excluded.ends_at)
where coverage.ends_at < excluded.ends_at
