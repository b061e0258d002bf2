-- What of the schema is in place: one row a file, with the checksum it had when it was applied.
select
    schema_change.file_name,
    schema_change.checksum
from ops.schema_change
order by schema_change.file_name
