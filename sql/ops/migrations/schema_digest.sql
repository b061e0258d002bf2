-- The state of the schema in one row: a digest of all files that this program has or does not know, whether a copy is
-- under way, and the server's clock. A view that this program does not have is an older program's, and does no harm.
select
    encode(
        sha256(
            convert_to(
                string_agg(
                    schema_change.file_name || ' ' || schema_change.checksum,
                    chr(10) order by schema_change.file_name collate "C"
                ),
                'UTF8'
            )
        ),
        'hex'
    ) as digest,
    exists (
        select 1
        from ops.warehouse
        where warehouse.copy_started_at is not null
    ) as is_copy_unfinished,
    clock_timestamp() as server_at
from ops.schema_change
where
    schema_change.file_name like 'schema/%'
    or schema_change.file_name = any(cast(:file_names as text[]))
