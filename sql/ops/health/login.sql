-- The state of a login.
select
    login.first_seen_at,
    login.consented_at,
    login.refused_at,
    login.refused_reason
from ops.login
where login.login_key = :login_key
