-- The way from a listener to the one in whose record their plays are: each merge that holds, in order, with the content
-- and the set that stand for it. No row if they are a listener of their own.
with recursive step as (
    select
        1 as place,
        listener_merge.into_listener_key,
        listener_merge.import_content_key
    from ops.listener_merge
    where
        listener_merge.listener_key = :listener_key
        and listener_merge.undone_at is null
    union all
    select
        step.place + 1,
        listener_merge.into_listener_key,
        listener_merge.import_content_key
    from step
    inner join ops.listener_merge
        on
            listener_merge.listener_key = step.into_listener_key
            and listener_merge.undone_at is null
)
select
    step.into_listener_key as listener_key,
    step.import_content_key as content_key,
    import_set.import_set_key as set_key
from step
inner join ops.import_set on import_set.content_keys = array[step.import_content_key]
order by step.place
