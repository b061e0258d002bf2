-- The login to use, given which one is set, if any: what was agreed to, or set, last; of the same listener, if the setting's is known.
-- is_anybodys: nothing is set, and several listeners have agreed.
select
    login.login_key,
    login.listener_key,
    setting.login_key is null and min(login.listener_key) over () <> max(login.listener_key) over () as is_anybodys
from ops.login
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
