-- Listeners with a login, at most two.
select distinct dim_listener.listener_key
from ops.login
inner join listening.dim_listener as account on account.listener_key = login.listener_key
inner join listening.dim_listener
    on dim_listener.listener_key = coalesce(account.merged_into, account.listener_key)
limit 2
