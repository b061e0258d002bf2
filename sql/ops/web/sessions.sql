-- The browsers in which a listener is logged in, the last used first.
select
    web_session.session_hash,
    web_session.created_at,
    web_session.seen_at,
    web_session.browser_name
from ops.web_session
where
    web_session.listener_key = :listener_key
    and web_session.ends_at > cast(:now as timestamptz)
order by
    web_session.seen_at desc,
    web_session.created_at desc
