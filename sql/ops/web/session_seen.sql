-- A session is used: it lasts on. To the hour, so that a page does not cost a write.
update ops.web_session
set
    seen_at = :now,
    ends_at = :ends_at
where web_session.session_hash = :session_hash
