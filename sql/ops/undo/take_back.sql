-- Delete the observations that only the dying contents report, and let the others forget these. One row: how many went;
-- how many stay because other imports report them, and how many of these only because an import before contents were
-- kept may report them; and of how many plays those that went were.
create temporary table gone_observation on commit drop as
select
    observation.source_key,
    observation.observed_at,
    observation.track_key,
    observation.sequence,
    observation.play_key
from listening.observation
inner join dying_set on dying_set.import_set_key = observation.import_set_key
where
    observation.listener_key = :listener_key
    and dying_set.content_keys = '{}';

-- for dimensions/longest_plays.sql
create temporary table name_to_measure on commit drop as
select distinct dim_track.track_key
from gone_observation
inner join listening.dim_track on dim_track.track_key = gone_observation.track_key
where dim_track.track_uri like 'name:%';

delete from listening.observation
using dying_set
where
    observation.listener_key = :listener_key
    and observation.import_set_key = dying_set.import_set_key
    and dying_set.content_keys = '{}';

insert into ops.import_set (
    listener_key,
    content_keys
)
select distinct
    cast(:listener_key as integer),
    dying_set.content_keys
from dying_set
where dying_set.content_keys <> '{}'
on conflict do nothing;

create temporary table kept_observation on commit drop as
with kept as (
    update listening.observation
    set import_set_key = import_set.import_set_key
    from dying_set
    inner join ops.import_set on import_set.content_keys = dying_set.content_keys
    where
        observation.listener_key = :listener_key
        and observation.import_set_key = dying_set.import_set_key
    returning dying_set.content_keys
)
select
    kept.content_keys <@ array(
        select import_content.import_content_key
        from ops.import_content
        where
            import_content.listener_key = :listener_key
            and import_content.is_earlier
    ) as is_unsure
from kept;

delete from ops.import_set
using dying_set
where import_set.import_set_key = dying_set.import_set_key;

update ops.run
set undone_at = :now
where run.run_key = :receipt;

select
    (select count(*)::integer from gone_observation) as gone_count,
    (select count(*)::integer from kept_observation) as kept_count,
    (select count(*)::integer from kept_observation where kept_observation.is_unsure) as unsure_count,
    (select count(distinct gone_observation.play_key)::integer from gone_observation) as play_count
