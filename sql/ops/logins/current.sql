-- The login to use, given the one in the settings, if any: the most recent consent or setting wins, among logins of the
-- same listener if that of the setting is known. Logins of other listeners: each.
-- account_key: whose login it is. listener_key: into whose record its plays go, the same but after a merge of listeners.
select
    login.login_key,
    coalesce(dim_listener.merged_into, login.listener_key) as listener_key,
    login.listener_key as account_key,
    login.first_seen_at,
    login.consented_at,
    login.refused_at,
    login.refused_reason,
    login.has_player_scope
from ops.login
left join listening.dim_listener on dim_listener.listener_key = login.listener_key
left join ops.login as setting on setting.setting_fingerprint = cast(:setting_fingerprint as text)
where
    login.login_key = setting.login_key
    or (
        login.consented_at is not null
        and login.refresh_token_encrypted is not null
        and (setting.listener_key is null or setting.listener_key = login.listener_key)
    )
order by
    coalesce(login.consented_at, login.first_seen_at) desc,
    login.login_key desc
limit 1
