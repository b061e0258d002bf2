-- Note that a job begins to derive the plays of a listener anew; no row if another run has done it meanwhile.
update ops.rebuild_due
set
    tried_at = :tried_at,
    tried_by = :tried_by
where rebuild_due.listener_key = :listener_key
returning rebuild_due.listener_key
