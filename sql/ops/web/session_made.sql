-- Store a session, and delete those that have ended.
with ended as (
    delete from ops.web_session
    where web_session.ends_at <= cast(:now as timestamptz)
)
insert into ops.web_session (
    session_hash,
    listener_key,
    created_at,
    seen_at,
    ends_at,
    browser_name
)
values (
    :session_hash,
    :listener_key,
    :now,
    :now,
    :ends_at,
    :browser_name
)
