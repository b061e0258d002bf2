-- The login of each listener: the most recent consent or setting. That of a listener who was merged into another one is
-- one of the other's.
select distinct on (dim_listener.listener_key)
    login.login_key,
    dim_listener.listener_key,
    login.first_seen_at,
    login.consented_at,
    login.refused_at,
    login.refused_reason,
    dim_listener.listener_id,
    dim_listener.listener_name,
    dim_listener.time_zone
from ops.login
inner join listening.dim_listener as account on account.listener_key = login.listener_key
inner join listening.dim_listener
    on dim_listener.listener_key = coalesce(account.merged_into, account.listener_key)
where
    login.refresh_token_encrypted is not null
    or login.setting_fingerprint = cast(:setting_fingerprint as text)
order by
    dim_listener.listener_key,
    coalesce(login.consented_at, login.first_seen_at) desc,
    login.login_key desc
