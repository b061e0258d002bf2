-- A row when somebody else than this listener has a login here that works, or worked.
select 1 as is_somebody_else
from ops.login
inner join listening.dim_listener on dim_listener.listener_key = login.listener_key
where dim_listener.listener_id <> all(cast(:listener_ids as text[]))
limit 1
