-- The login that belongs to a setting; no row if it was never seen.
select login.login_key
from ops.login
where login.setting_fingerprint = :setting_fingerprint
