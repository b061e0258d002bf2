-- The foreign keys that a copy has dropped and must restore.
select
    copy_reference.table_name,
    copy_reference.other_name,
    copy_reference.constraint_name,
    copy_reference.definition
from ops.copy_reference
order by
    copy_reference.table_name,
    copy_reference.constraint_name
