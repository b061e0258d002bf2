-- The stored token of a login.
select
    login.setting_fingerprint,
    login.refresh_token_encrypted,
    login.rotated_at,
    login.has_player_scope
from ops.login
where login.login_key = :login_key
