-- What of the schema is in place: one row a file, with the checksum it has, and those it had before. Older databases do not know these.
select
    schema_change.file_name,
    schema_change.checksum,
    schema_change.program_version,
    coalesce(to_jsonb(schema_change) -> 'former_checksums', '[]'::jsonb) as former_checksums
from ops.schema_change
order by schema_change.file_name
