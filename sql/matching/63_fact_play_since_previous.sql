-- Measure since_previous_ms (the time since the previous play ended) again where the merge may have changed it: from
-- the first moment it wrote, moved or deleted to the first play after the last one.

-- The planner may expect next to no rows and look them up one by one: hours for the plays of a lifetime.
set local enable_nestloop = off;

with moment as (
    select resolved_play.played_at
    from resolved_play
    union all
    select recorded_play.played_at
    from recorded_play
),
reach as materialized (
    select
        min(moment.played_at) as first_at,
        coalesce(
            (
                -- the play measured from the last of them
                select min(later.played_at)
                from listening.fact_play as later
                where
                    later.listener_key = :listener_key
                    and later.played_at > (select max(moment.played_at) from moment)
            ),
            max(moment.played_at)
        ) as last_at,
        (
            -- the play that the first of them is measured from
            select max(earlier.played_at)
            from listening.fact_play as earlier
            where
                earlier.listener_key = :listener_key
                and earlier.played_at < (select min(moment.played_at) from moment)
        ) as previous_at
    from moment
),
spaced as (
    select
        fact_play.played_at,
        fact_play.play_key,
        fact_play.since_previous_ms,
        fact_play.played_at - lag(fact_play.played_at) over (
            order by
                fact_play.played_at,
                fact_play.play_key
        ) as gap
    from listening.fact_play
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at >= (select coalesce(reach.previous_at, reach.first_at) from reach)
        and fact_play.played_at <= (select reach.last_at from reach)
),
measured as (
    select
        spaced.played_at,
        spaced.play_key,
        spaced.since_previous_ms as known_ms,
        case
            when spaced.gap <= interval '1 day' then round(date_part('epoch', spaced.gap) * 1000)::integer
        end as since_previous_ms
    from spaced
)
update listening.fact_play
set since_previous_ms = measured.since_previous_ms
from measured
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at >= (select reach.first_at from reach)
    and fact_play.played_at <= (select reach.last_at from reach)
    and fact_play.played_at = measured.played_at
    and fact_play.play_key = measured.play_key
    and measured.since_previous_ms is distinct from measured.known_ms;

set local enable_nestloop = on
