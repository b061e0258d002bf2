-- The listener with this id or name. No row if there is none; two if the name is ambiguous. Without those who were
-- merged into another one.
select
    dim_listener.listener_key,
    dim_listener.listener_id
from listening.dim_listener
where
    dim_listener.merged_into is null
    and (
        lower(dim_listener.listener_id) = lower(:listener)
        or lower(dim_listener.listener_name) = lower(:listener)
    )
order by dim_listener.listener_id <> :listener
limit 2
