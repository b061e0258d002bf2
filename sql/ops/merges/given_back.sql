-- After undo/take_back.sql: what else the merge brought goes, and the merged listener is one of their own again.
delete from listening.player_observation
using gone_observation
inner join listening.source on source.source_key = gone_observation.source_key
where
    source.source_name = 'player'
    and player_observation.listener_key = :into_listener_key
    and player_observation.observed_at = gone_observation.observed_at
    and player_observation.track_key = gone_observation.track_key
    and player_observation.sequence = gone_observation.sequence;

delete from ops.import_span
where import_span.import_content_key = :content_key;

delete from ops.import_content
where import_content.import_content_key = :content_key;

-- a rule that was removed meanwhile stays removed
update listening.exclusion
set listener_key = :listener_key
from ops.listener_merge
where
    listener_merge.merge_key = :merge_key
    and exclusion.listener_key = :into_listener_key
    and exclusion.exclusion_key = any(listener_merge.exclusion_keys);

update ops.listener_merge
set
    undone_at = :now,
    import_content_key = null
where listener_merge.merge_key = :merge_key;

-- who was merged into them before stands for them again
with recursive back as (
    select listener_merge.listener_key
    from ops.listener_merge
    where
        listener_merge.into_listener_key = :listener_key
        and listener_merge.undone_at is null
    union
    select listener_merge.listener_key
    from back
    inner join ops.listener_merge
        on
            listener_merge.into_listener_key = back.listener_key
            and listener_merge.undone_at is null
)
update listening.dim_listener
set merged_into = case when dim_listener.listener_key <> :listener_key then cast(:listener_key as integer) end
where
    dim_listener.listener_key = :listener_key
    or dim_listener.listener_key in (select back.listener_key from back)
