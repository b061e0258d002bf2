-- Plays of unknown length that are dated less than thirty seconds apart ended together: the list holds nothing shorter,
-- so these dates are those of an upload. They share the time before the first of them: the latest has as much of it as
-- its track is long, then the one before it, and so on; the first has what is left. If nothing was played within the
-- day before, each has as much as its track is long.

create temporary table ended_together on commit drop as
with numbered as (
    select
        resolved_play.place,
        resolved_play.track_key,
        resolved_play.is_first,
        resolved_play.is_together,
        resolved_play.since_previous_ms,
        count(*) filter (where not resolved_play.is_together) over (order by resolved_play.place) as group_number
    from resolved_play
    where exists (select 1 from resolved_play as later where later.is_together)
),
grouped as (
    select
        numbered.group_number,
        bool_or(numbered.is_first) as is_first,
        max(numbered.since_previous_ms) filter (where not numbered.is_together) as room_ms
    from numbered
    group by numbered.group_number
    having count(*) > 1
),
shared as (
    select
        numbered.place,
        numbered.is_together,
        dim_track.duration_ms,
        grouped.is_first,
        grouped.room_ms,
        coalesce(grouped.room_ms, 'infinity'::double precision) - coalesce(
            sum(dim_track.duration_ms) over (
                partition by numbered.group_number
                order by numbered.place desc
                rows between unbounded preceding and 1 preceding
            ),
            0
        ) as left_ms
    from grouped
    inner join numbered on numbered.group_number = grouped.group_number
    inner join listening.dim_track on dim_track.track_key = numbered.track_key
)
select
    shared.place,
    shared.is_first,
    case
        when shared.is_together
            then round(least(coalesce(shared.duration_ms, 0), greatest(shared.left_ms, 0), 86400000))
        when shared.room_ms is not null then round(greatest(shared.left_ms, 0))
    end::integer as since_previous_ms
from shared;

update resolved_play
set
    since_previous_ms = ended_together.since_previous_ms,
    is_first = ended_together.is_first
from ended_together
where resolved_play.place = ended_together.place
