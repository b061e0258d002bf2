-- The applied files: one row per file, with its checksum and its former ones, which older databases do not have.
select
    schema_change.file_name,
    schema_change.checksum,
    schema_change.program_version,
    coalesce(to_jsonb(schema_change) -> 'former_checksums', '[]'::jsonb) as former_checksums
from ops.schema_change
order by schema_change.file_name
