-- Log out: one session of a listener, or all of them.
delete from ops.web_session
where
    web_session.listener_key = :listener_key
    and (cast(:session_hash as bytea) is null or web_session.session_hash = :session_hash)
