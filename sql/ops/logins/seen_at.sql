-- Correct when a login was first seen, after a wrong clock recorded it.
update ops.login
set first_seen_at = :first_seen_at
where login.login_key = :login_key
