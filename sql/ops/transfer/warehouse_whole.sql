-- The copy is whole.
update ops.warehouse
set copy_started_at = null
