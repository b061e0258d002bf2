-- The listeners that were merged into this one.
select dim_listener.listener_key
from listening.dim_listener
where dim_listener.merged_into = :listener_key
order by dim_listener.listener_key
