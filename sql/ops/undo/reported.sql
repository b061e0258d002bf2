-- After the merge of an import: what was recorded already, or what several files say, belongs to the contents of these
-- files, too. Rows that only one file says were written with its set. Nothing changes if the same is imported again.
-- What took the place of a row carried over also belongs to whatever reported that one: it may have been the same.
create temporary table set_change on commit drop as
with said as (
    select
        batch_observation.source_key,
        batch_observation.observed_at,
        batch_observation.track_key,
        batch_observation.started_at,
        batch_observation.ms_played,
        batch_observation.context_key,
        batch_observation.device_key,
        batch_observation.play_profile_key,
        array_agg(distinct content.content_key) as content_keys,
        bool_or(carried_observation.source_key is not null) as is_in_place,
        min(carried_observation.import_set_key) as carried_set_key
    from batch_observation
    inner join unnest(cast(:content_keys as integer[])) with ordinality as content (content_key, file_count)
        on content.file_count = batch_observation.file_number + 1
    left join ops.import_set on import_set.import_set_key = batch_observation.recorded_set_key
    left join origin
        on
            origin.item_number = batch_observation.item_number
            and origin.distance > 0
    left join carried_observation
        on
            carried_observation.source_key = origin.source_key
            and carried_observation.observed_at = origin.observed_at
            and carried_observation.track_key = origin.track_key
            and carried_observation.sequence = origin.sequence
    where
        batch_observation.import_set_key is not null
        and not coalesce(content.content_key = any(import_set.content_keys), false)
        and (
            batch_observation.recorded_play_key is not null
            or exists (
                select 1
                from crowded_moment
                where
                    crowded_moment.source_key = batch_observation.source_key
                    and crowded_moment.observed_at = batch_observation.observed_at
                    and crowded_moment.track_key = batch_observation.track_key
            )
        )
    group by
        batch_observation.source_key,
        batch_observation.observed_at,
        batch_observation.track_key,
        batch_observation.started_at,
        batch_observation.ms_played,
        batch_observation.context_key,
        batch_observation.device_key,
        batch_observation.play_profile_key
),
found as (
    select
        observation.source_key,
        observation.observed_at,
        observation.track_key,
        observation.sequence,
        import_set.content_keys as old_keys,
        said.content_keys
        || import_set.content_keys
        || carried_set.content_keys
        || case
            when import_set.import_set_key is null or (said.is_in_place and carried_set.import_set_key is null)
                then earlier.content_keys
        end as all_keys
    from said
    inner join listening.observation
        on
            observation.listener_key = :listener_key
            and observation.source_key = said.source_key
            and observation.observed_at = said.observed_at
            and observation.track_key = said.track_key
            and observation.started_at is not distinct from said.started_at
            and observation.ms_played is not distinct from said.ms_played
            and observation.context_key = said.context_key
            and observation.device_key = said.device_key
            and observation.play_profile_key = said.play_profile_key
    left join ops.import_set on import_set.import_set_key = observation.import_set_key
    left join ops.import_set as carried_set on carried_set.import_set_key = said.carried_set_key
    -- a row that no import is known to report may come from any before contents were kept
    cross join (
        select array_agg(import_content.import_content_key) as content_keys
        from ops.import_content
        where
            import_content.listener_key = :listener_key
            and import_content.is_earlier
    ) as earlier
)
select
    found.source_key,
    found.observed_at,
    found.track_key,
    found.sequence,
    together.content_keys
from found
cross join lateral (
    select array_agg(distinct key order by key) as content_keys
    from unnest(found.all_keys) as every (key)
) as together
where together.content_keys is distinct from found.old_keys;

insert into ops.import_set (
    listener_key,
    content_keys
)
select distinct
    cast(:listener_key as integer),
    set_change.content_keys
from set_change
on conflict do nothing;

update listening.observation
set import_set_key = import_set.import_set_key
from set_change
inner join ops.import_set on import_set.content_keys = set_change.content_keys
where
    observation.listener_key = :listener_key
    and observation.source_key = set_change.source_key
    and observation.observed_at = set_change.observed_at
    and observation.track_key = set_change.track_key
    and observation.sequence = set_change.sequence;
