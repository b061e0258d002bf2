-- The login that belongs to a setting, made when first seen.
with made as (
    insert into ops.login (
        setting_fingerprint,
        first_seen_at
    )
    values (
        :setting_fingerprint,
        :first_seen_at
    )
    on conflict (setting_fingerprint) do nothing
    returning
        login_key,
        listener_key,
        refresh_token_encrypted
)
select
    made.login_key,
    made.listener_key,
    made.refresh_token_encrypted
from made
union all
select
    login.login_key,
    login.listener_key,
    login.refresh_token_encrypted
from ops.login
where login.setting_fingerprint = :setting_fingerprint
limit 1
