-- Into whose record the plays of a login go: its account's own, or that of the listener it was merged into.
select coalesce(dim_listener.merged_into, dim_listener.listener_key) as listener_key
from ops.login
inner join listening.dim_listener on dim_listener.listener_key = login.listener_key
where login.login_key = :login_key
