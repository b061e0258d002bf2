-- A listener and their time zone.
select
    dim_listener.listener_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    dim_listener.time_zone
from listening.dim_listener
where dim_listener.listener_key = :listener_key
