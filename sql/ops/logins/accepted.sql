-- Record that a login works, and whose it is, if that was not known. It stays that of its account if the plays go to
-- another listener, into whom this one was merged.
update ops.login
set
    listener_key = coalesce(login.listener_key, :listener_key),
    refused_at = null,
    refused_reason = null
where
    login.login_key = :login_key
    and (
        login.listener_key is null
        or login.refused_at is not null
    )
