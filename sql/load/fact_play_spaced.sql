-- How long after the play before each play ended, where the merge may have changed that: of every play near what it wrote, moved or took
-- away, and of the first play after it.

with moment as (
    select listen.played_at
    from listen
    union all
    select known_play.played_at
    from known_play
),
met as (
    select
        min(moment.played_at) as first_at,
        max(moment.played_at) as last_at
    from moment
    group by date_trunc('hour', moment.played_at)
),
apart as (
    select
        met.first_at,
        met.last_at,
        coalesce(met.first_at - lag(met.last_at) over (order by met.first_at) > interval '3 hours', true) as is_apart
    from met
),
numbered as (
    select
        apart.first_at,
        apart.last_at,
        count(*) filter (where apart.is_apart) over (order by apart.first_at) as stretch_number
    from apart
),
stretch as (
    select
        numbered.stretch_number,
        min(numbered.first_at) as first_at,
        max(numbered.last_at) as last_at
    from numbered
    group by numbered.stretch_number
),
spaced as (
    select
        fact_play.played_at,
        fact_play.play_key,
        fact_play.since_previous_ms,
        stretch.first_at,
        fact_play.played_at - lag(fact_play.played_at) over (
            partition by stretch.stretch_number
            order by
                fact_play.played_at,
                fact_play.play_key
        ) as gap
    from stretch
    cross join lateral (
        -- with the play before the stretch, to measure from, and the one after, which is measured from it
        select
            (
                select max(earlier.played_at)
                from listening.fact_play as earlier
                where
                    earlier.listener_key = :listener_key
                    and earlier.played_at < stretch.first_at
            ) as previous_at,
            (
                select min(later.played_at)
                from listening.fact_play as later
                where
                    later.listener_key = :listener_key
                    and later.played_at > stretch.last_at
            ) as next_at
    ) as beside
    inner join listening.fact_play
        on
            fact_play.listener_key = :listener_key
            and fact_play.played_at >= coalesce(beside.previous_at, stretch.first_at)
            and fact_play.played_at <= coalesce(beside.next_at, stretch.last_at)
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
    where spaced.played_at >= spaced.first_at
)
update listening.fact_play
set since_previous_ms = measured.since_previous_ms
from measured
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = measured.played_at
    and fact_play.play_key = measured.play_key
    and measured.since_previous_ms is distinct from measured.known_ms;
