-- Record until when Spotify asked for a pause.
insert into ops.pause (
    scope,
    resume_at,
    reason,
    noted_at
)
values (
    :scope,
    :resume_at,
    :reason,
    :noted_at
)
on conflict (scope) do update
set
    resume_at = greatest(pause.resume_at, excluded.resume_at),
    reason = excluded.reason,
    noted_at = excluded.noted_at
