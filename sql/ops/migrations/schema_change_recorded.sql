-- Record a schema file as applied.
insert into ops.schema_change (
    file_name,
    checksum,
    applied_at,
    program_version
)
values (
    :file_name,
    :checksum,
    :applied_at,
    :program_version
)
