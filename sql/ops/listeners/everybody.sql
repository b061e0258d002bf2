-- Whose export it is when nobody says: everybody who is recorded here.
select
    dim_listener.listener_key,
    dim_listener.listener_id
from listening.dim_listener
order by dim_listener.listener_key
limit 20
