-- The listener of this id or name; no row when there is none, more than one when the name is not enough.
select
    dim_listener.listener_key,
    dim_listener.listener_id
from listening.dim_listener
where
    lower(dim_listener.listener_id) = lower(:listener)
    or lower(dim_listener.listener_name) = lower(:listener)
order by dim_listener.listener_id <> :listener
limit 2
