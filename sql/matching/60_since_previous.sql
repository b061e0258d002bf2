-- Measure since_previous_ms (the time since the previous play ended) where plays meet that the merge did not look at:
-- of the first play of each span, and of the play after it, each with those that ended together with it
-- (41_ended_together.sql has the rule).

create temporary table measured_span on commit drop as
with recursive edge as (
    select distinct first.played_at
    from nearby_span
    cross join lateral (
        select min(fact_play.played_at) as played_at
        from listening.fact_play
        where
            fact_play.listener_key = :listener_key
            and fact_play.played_at >= nearby_span.starts_at
        union all
        select min(fact_play.played_at)
        from listening.fact_play
        where
            fact_play.listener_key = :listener_key
            and fact_play.played_at > nearby_span.ends_at
    ) as first
    where first.played_at is not null
),
forth as (
    select
        edge.played_at as starts_at,
        edge.played_at as ends_at
    from edge
    union all
    select
        forth.starts_at,
        later.played_at
    from forth
    cross join lateral (
        select max(fact_play.played_at) as played_at
        from listening.fact_play
        where
            fact_play.listener_key = :listener_key
            and fact_play.played_at > forth.ends_at
            and fact_play.played_at < forth.ends_at + interval '30 seconds'
            and fact_play.ms_played is null
    ) as later
    where later.played_at is not null
)
select
    edge.played_at as starts_at,
    (select max(forth.ends_at) from forth where forth.starts_at = edge.played_at) as ends_at,
    (
        select max(earlier.played_at)
        from listening.fact_play as earlier
        where
            earlier.listener_key = :listener_key
            and earlier.played_at < edge.played_at
    ) as previous_at
from edge;

create temporary table measured_play on commit drop as
with near_play as (
    select
        fact_play.played_at,
        fact_play.play_key,
        fact_play.since_previous_ms as known_ms,
        fact_play.ms_played is null as is_unknown,
        fact_play.track_key,
        fact_play.ms_played,
        bool_or(fact_play.played_at >= measured_span.starts_at) as is_inside
    from measured_span
    inner join listening.fact_play
        on
            fact_play.listener_key = :listener_key
            and fact_play.played_at >= coalesce(measured_span.previous_at, measured_span.starts_at)
            and fact_play.played_at <= measured_span.ends_at
    group by
        fact_play.played_at,
        fact_play.play_key,
        fact_play.since_previous_ms,
        fact_play.track_key,
        fact_play.ms_played
),
ordered as (
    select
        near_play.*,
        dim_track.duration_ms,
        row_number() over (
            order by
                near_play.played_at,
                near_play.ms_played nulls first,
                dim_track.track_uri nulls first,
                near_play.play_key
        ) as place
    from near_play
    inner join listening.dim_track on dim_track.track_key = near_play.track_key
),
spaced as (
    select
        ordered.*,
        date_part('epoch', ordered.played_at - lag(ordered.played_at) over in_order) * 1000 as gap_ms,
        coalesce(
            ordered.is_unknown
            and lag(ordered.is_unknown) over in_order
            and ordered.played_at < lag(ordered.played_at) over in_order + interval '30 seconds',
            false
        ) as is_together
    from ordered
    window in_order as (order by ordered.place)
),
numbered as (
    select
        spaced.*,
        count(*) filter (where not spaced.is_together) over (order by spaced.place) as group_number
    from spaced
),
shared as (
    select
        numbered.*,
        case when numbered.gap_ms <= 86400000 then numbered.gap_ms end as own_ms,
        -- of the group: the time before its first play, and what its later plays take of it
        min(case when not numbered.is_together then coalesce(numbered.gap_ms, 'infinity') end)
        over (partition by numbered.group_number) as room_ms,
        coalesce(
            sum(numbered.duration_ms) over (
                partition by numbered.group_number
                order by numbered.place desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as later_ms,
        count(*) over (partition by numbered.group_number) as group_count
    from numbered
)
select
    shared.played_at,
    shared.play_key,
    shared.known_ms,
    shared.is_inside,
    case
        when shared.group_count = 1 then round(shared.own_ms)
        when shared.is_together
            then round(least(coalesce(shared.duration_ms, 0), greatest(room.left_ms, 0), 86400000))
        when shared.room_ms <= 86400000 then round(greatest(room.left_ms, 0))
    end::integer as since_previous_ms
from shared
cross join lateral (
    select
        case when shared.room_ms > 86400000 then 'infinity' else shared.room_ms end - shared.later_ms as left_ms
) as room;

analyze measured_play;

update listening.fact_play
set since_previous_ms = measured_play.since_previous_ms
from measured_play
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = measured_play.played_at
    and fact_play.play_key = measured_play.play_key
    and measured_play.is_inside
    and measured_play.since_previous_ms is distinct from measured_play.known_ms
