-- The listeners recorded here, at most twenty: candidates for the owner of an export when the command names none.
select
    dim_listener.listener_key,
    dim_listener.listener_id
from listening.dim_listener
order by dim_listener.listener_key
limit 20
