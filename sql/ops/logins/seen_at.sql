-- When a login was first seen, after it was noted by a wrong clock.
update ops.login
set first_seen_at = :first_seen_at
where login.login_key = :login_key
