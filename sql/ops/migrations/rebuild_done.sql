-- The plays of a listener are derived anew.
delete from ops.rebuild_due
where rebuild_due.listener_key = :listener_key
