-- This database is a copy of that warehouse from now on, and not whole yet.
update ops.warehouse
set
    warehouse_id = :warehouse_id,
    made_at = :made_at,
    copy_started_at = coalesce(warehouse.copy_started_at, :copy_started_at)
