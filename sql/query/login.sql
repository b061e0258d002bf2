-- The login that belongs to a setting; no row when it was never seen.
select
    login.login_key,
    login.listener_key,
    login.refresh_token_encrypted
from ops.login
where login.setting_fingerprint = :setting_fingerprint
