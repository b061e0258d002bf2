-- All listeners recorded here.
select dim_listener.listener_key
from listening.dim_listener
order by dim_listener.listener_key
