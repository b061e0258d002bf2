-- From now on this database is a copy of that warehouse, and not complete yet.
update ops.warehouse
set
    warehouse_id = :warehouse_id,
    made_at = :made_at,
    copy_started_at = coalesce(warehouse.copy_started_at, :copy_started_at)
