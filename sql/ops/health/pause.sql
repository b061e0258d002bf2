-- Until when Spotify asked for a pause, by scope.
select
    pause.scope,
    pause.resume_at,
    pause.reason,
    pause.noted_at
from ops.pause
where pause.resume_at > :now
order by pause.scope
