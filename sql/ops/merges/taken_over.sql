-- The rules of the merged listener become the other's, and their plays go: these follow from observations. From now on
-- the merged listener stands for the other, with whoever was merged into them before.
with moved as (
    update listening.exclusion
    set listener_key = :into_listener_key
    where exclusion.listener_key = :listener_key
    returning exclusion.exclusion_key
)
update ops.listener_merge
set exclusion_keys = array(select moved.exclusion_key from moved order by moved.exclusion_key)
where listener_merge.merge_key = :merge_key;

delete from listening.fact_play
where fact_play.listener_key = :listener_key;

-- taking the merge back derives their plays anew in any case
delete from ops.rebuild_due
where rebuild_due.listener_key = :listener_key;

update listening.dim_listener
set merged_into = :into_listener_key
where
    dim_listener.listener_key = :listener_key
    or dim_listener.merged_into = :listener_key
