-- The references that a copy has taken away, and has to put back.
select
    copy_reference.table_name,
    copy_reference.other_name,
    copy_reference.constraint_name,
    copy_reference.definition
from ops.copy_reference
order by
    copy_reference.table_name,
    copy_reference.constraint_name
