-- The recently-played list. Spotify moves its dates back: mostly by milliseconds or a second or two, once by 31
-- seconds. So dates of one recording are one play when each is close enough to the one before it (ops.match_rule) and
-- no page held two of them as two plays (ops.told_apart). Where pages hold two plays close together, dates are assigned
-- in order of time, each to the earliest play that can take it: a list on repeat that was moved as a whole keeps its
-- plays.
--
-- A row that says nothing but the time is the row that names its track at the same moment.

create temporary table listed on commit drop as
select
    near_observation.observation_number,
    near_observation.track_key,
    near_observation.recording_key,
    near_observation.observed_at,
    match_rule.seconds * interval '1 second' as tolerance
from near_observation
inner join listening.source on source.source_key = near_observation.source_key
inner join ops.match_rule
    on
        match_rule.tier = 0
        and match_rule.source_key = near_observation.source_key
        and match_rule.other_source_key = near_observation.source_key
where source.source_name = 'recently_played';

create temporary table apart on commit drop as
select
    coalesce(dim_track.recording_key, dim_track.track_key) as recording_key,
    told_apart.later_at,
    array_agg(told_apart.earlier_at) as earlier
from ops.told_apart
inner join listening.dim_track on dim_track.track_key = told_apart.track_key
where
    told_apart.listener_key in (
        select dim_listener.listener_key
        from listening.dim_listener
        where :listener_key in (dim_listener.listener_key, dim_listener.merged_into)
    )
    and told_apart.earlier_at >= (select min(listed.observed_at) from listed)
    and told_apart.earlier_at <= (select max(listed.observed_at) from listed)
group by
    coalesce(dim_track.recording_key, dim_track.track_key),
    told_apart.later_at;

analyze listed;
analyze apart;

insert into observation_link (
    observation_number,
    other_number
)
with dated as (
    select listed.*
    from listed
    where listed.track_key <> 0
),
begun as (
    select
        dated.observation_number,
        dated.recording_key,
        ops.play_start(dated.observed_at, apart.earlier, dated.tolerance) over (
            partition by dated.recording_key
            order by dated.observed_at
            rows between unbounded preceding and current row
        ) as play_start
    from dated
    left join apart
        on
            apart.recording_key = dated.recording_key
            and apart.later_at = dated.observed_at
)
select
    begun.observation_number,
    min(begun.observation_number) over (partition by begun.recording_key, begun.play_start)
from begun;

insert into observation_link (
    observation_number,
    other_number
)
select distinct on (unnamed.observation_number)
    unnamed.observation_number,
    named.observation_number
from listed as unnamed
inner join listed as named
    on
        named.observed_at = unnamed.observed_at
        and named.track_key <> 0
inner join listening.dim_track on dim_track.track_key = named.track_key
where unnamed.track_key = 0
order by
    unnamed.observation_number,
    dim_track.track_uri;

-- Further rows of the same moment that say nothing but the time are one play.
insert into observation_link (
    observation_number,
    other_number
)
select
    listed.observation_number,
    min(listed.observation_number) over (partition by listed.observed_at)
from listed
where listed.track_key = 0
