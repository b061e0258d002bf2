-- A row while another database is being copied into this one.
select warehouse.copy_started_at
from ops.warehouse
where warehouse.copy_started_at is not null
