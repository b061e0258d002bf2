-- The merge of the listener with this id or name, if it holds. No row if they are a listener of their own.
select
    listener_merge.merge_key,
    dim_listener.listener_key
from listening.dim_listener
inner join ops.listener_merge
    on
        listener_merge.listener_key = dim_listener.listener_key
        and listener_merge.undone_at is null
where
    lower(dim_listener.listener_id) = lower(:listener)
    or lower(dim_listener.listener_name) = lower(:listener)
order by
    dim_listener.listener_id <> :listener,
    listener_merge.merge_key
limit 1
