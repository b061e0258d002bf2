-- The copy is complete.
update ops.warehouse
set copy_started_at = null
