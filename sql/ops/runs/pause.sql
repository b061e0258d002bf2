-- Until when Spotify wants to be left alone; no row when it does not.
select
    pause.resume_at,
    pause.reason
from ops.pause
where
    pause.scope = :scope
    and pause.resume_at > :now
