-- The listener of this id or name; no row when there is none, more than one when the name is not enough.
select
    dim_listener.listener_key,
    dim_listener.listener_id
from listening.dim_listener
where
    dim_listener.listener_id = :listener
    or dim_listener.listener_name = :listener
order by dim_listener.listener_id <> :listener
limit 2
