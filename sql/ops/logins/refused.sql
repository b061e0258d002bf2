-- Mark a login that Spotify refuses for good: its listener must log in again.
update ops.login
set
    refused_at = coalesce(login.refused_at, :refused_at),
    refused_reason = :refused_reason
where login.login_key = :login_key
