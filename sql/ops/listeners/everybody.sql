-- The listeners recorded here, at most twenty: candidates for the owner of an export when the command names none.
select
    dim_listener.listener_key,
    dim_listener.listener_id
from listening.dim_listener
where dim_listener.merged_into is null
order by dim_listener.listener_key
limit 20
