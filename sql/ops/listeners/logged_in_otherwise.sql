-- A row if other listeners have a login here and this one has none.
select 1 as is_somebody_else
from ops.login
inner join listening.dim_listener on dim_listener.listener_key = login.listener_key
having
    count(*) > 0
    and count(*) filter (where dim_listener.listener_id = any(cast(:listener_ids as text[]))) = 0
