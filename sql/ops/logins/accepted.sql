-- Record that a login works, and whose it is.
update ops.login
set
    listener_key = :listener_key,
    refused_at = null,
    refused_reason = null
where
    login.login_key = :login_key
    and (
        login.listener_key is distinct from :listener_key
        or login.refused_at is not null
    )
