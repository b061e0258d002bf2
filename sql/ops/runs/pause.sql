-- Until when Spotify asked for a pause; no row if it did not.
select
    pause.resume_at,
    pause.reason
from ops.pause
where
    pause.scope = :scope
    and pause.resume_at > :now
