-- Source plays of the recently-played list, first part. Pages of the list date one play differently: within a page a
-- play appears once, or twice less than a second apart, often once with and once without its context. Two rows of one
-- recording further apart in one page are two plays for Spotify too. Between pages Spotify moves dates back: mostly by
-- milliseconds or a second or two, once by 31 seconds. So the date reported first is the later one.
--
-- Therefore dates of one recording are one play when they are at most 45 seconds apart and no page reported them as
-- two. Where pages report two plays close together, dates are assigned in order of time, each to the earliest play that
-- can take it (next file): a list on repeat that was moved as a whole keeps its plays. ops.told_apart remembers which
-- dates are two plays, so the order in which pages arrive does not matter.

create temporary table listed_play on commit drop as
with spaced as (
    select
        batch_observation.*,
        coalesce(
            batch_observation.observed_at - lag(batch_observation.observed_at) over recording < interval '1 second',
            false
        ) as is_repeated
    from batch_observation
    where batch_observation.source = 'recently_played'
    window recording as (
        partition by batch_observation.recording_key
        order by batch_observation.observed_at, batch_observation.item_number
    )
),
numbered as (
    select
        spaced.*,
        count(*) filter (where not spaced.is_repeated) over (
            partition by spaced.recording_key
            order by spaced.observed_at, spaced.item_number
        ) as listed_number
    from spaced
)
select
    (array_agg(numbered.track_key order by numbered.observed_at, dim_track.track_uri))[1] as track_key,
    numbered.recording_key,
    min(numbered.observed_at) as first_at,
    max(numbered.observed_at) as last_at,
    coalesce(
        (
            array_agg(numbered.context_key order by numbered.observed_at desc, numbered.item_number)
            filter (where numbered.context_key <> 0)
        )[1],
        0
    ) as context_key,
    min(numbered.item_number) as item_number,
    (array_agg(numbered.file_number order by numbered.item_number))[1] as file_number
from numbered
inner join listening.dim_track on dim_track.track_key = numbered.track_key
group by
    numbered.recording_key,
    numbered.listed_number;

-- Two dates are two plays when one page holds both. Also when a full page starts after a recorded play: its first play,
-- soon after the recorded one, can't be the same, because dates only move back.
insert into ops.told_apart (
    listener_key,
    track_key,
    earlier_at,
    later_at
)
select
    cast(:listener_key as integer),
    earlier.track_key,
    earlier.last_at,
    later.first_at
from listed_play as earlier
inner join listed_play as later
    on
        later.recording_key = earlier.recording_key
        and later.first_at > earlier.last_at
        and later.first_at <= earlier.last_at + interval '90 seconds'
union
select
    cast(:listener_key as integer),
    recorded_observation.track_key,
    recorded_observation.last_observed_at,
    listed_play.first_at
from recorded_observation
inner join listed_play
    on
        listed_play.recording_key = recorded_observation.recording_key
        and listed_play.first_at >= recorded_observation.last_observed_at + interval '1 second'
        and listed_play.first_at <= recorded_observation.last_observed_at + interval '45 seconds'
where
    :is_full_window
    and recorded_observation.source = 'recently_played'
    and recorded_observation.observed_at < (select min(page.first_at) from listed_play as page)
order by 1, 3, 4, 2
on conflict do nothing;

create temporary table apart on commit drop as
select
    coalesce(dim_track.recording_key, dim_track.track_key) as recording_key,
    told_apart.earlier_at,
    told_apart.later_at
from ops.told_apart
inner join listening.dim_track on dim_track.track_key = told_apart.track_key
where
    told_apart.listener_key = :listener_key
    and told_apart.earlier_at >= (select min(nearby_span.starts_at) from nearby_span)
    and told_apart.earlier_at <= (select max(nearby_span.ends_at) from nearby_span);

-- A recorded play is one piece, however far Spotify moved it, unless two of its dates are by now known to be two plays.
create temporary table dated_play on commit drop as
with known as (
    select
        recorded_observation.*,
        exists ( -- noqa: LT01, LT06
            select 1
            from apart
            where
                apart.recording_key = recorded_observation.recording_key
                and apart.earlier_at >= recorded_observation.observed_at
                and apart.later_at <= recorded_observation.last_observed_at
        ) as is_torn
    from recorded_observation
    where recorded_observation.source = 'recently_played'
),
piece as (
    select
        known.track_key,
        known.recording_key,
        known.observed_at as first_at,
        case when known.is_torn then known.observed_at else known.last_observed_at end as last_at,
        known.context_key,
        null::integer as item_number,
        null::integer as file_number,
        known.play_key,
        known.is_primary
    from known
    union all
    select distinct
        known.track_key,
        known.recording_key,
        dates.observed_at,
        dates.observed_at,
        0,
        null::integer,
        null::integer,
        null::bigint,
        false
    from known
    inner join apart on apart.recording_key = known.recording_key
    cross join lateral (values (apart.earlier_at), (apart.later_at), (known.last_observed_at)) as dates (observed_at)
    where
        known.is_torn
        and dates.observed_at > known.observed_at
        and dates.observed_at <= known.last_observed_at
    union all
    select
        listed_play.track_key,
        listed_play.recording_key,
        listed_play.first_at,
        listed_play.last_at,
        listed_play.context_key,
        listed_play.item_number,
        listed_play.file_number,
        null,
        false
    from listed_play
),
numbered as (
    select
        (
            row_number() over (
                order by
                    piece.recording_key,
                    piece.first_at,
                    piece.last_at,
                    piece.item_number nulls first,
                    piece.play_key
            )
        )::integer as dated_number,
        piece.*
    from piece
),
reach as (
    select
        numbered.*,
        max(numbered.last_at) over (
            partition by numbered.recording_key
            order by numbered.dated_number
            rows between unbounded preceding and 1 preceding
        ) as reached_at
    from numbered
)
select
    reach.*,
    (
        count(*) filter (where reach.reached_at is null or reach.first_at > reach.reached_at + interval '45 seconds')
        over (order by reach.dated_number)
    )::integer as island_number,
    null::integer as play_number
from reach;

create temporary table dated_apart on commit drop as
select
    earlier.dated_number,
    later.dated_number as other_number,
    earlier.island_number
from apart
inner join dated_play as earlier
    on
        earlier.recording_key = apart.recording_key
        and apart.earlier_at between earlier.first_at and earlier.last_at
inner join dated_play as later
    on
        later.island_number = earlier.island_number
        and later.dated_number <> earlier.dated_number
        and apart.later_at between later.first_at and later.last_at;

update dated_play
set play_number = island.play_number
from (
    select
        dated_play.island_number,
        min(dated_play.dated_number) as play_number
    from dated_play
    where dated_play.island_number not in (select dated_apart.island_number from dated_apart)
    group by dated_play.island_number
) as island
where dated_play.island_number = island.island_number;
