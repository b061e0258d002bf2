-- Records a view as applied; which texts of it were there before tells which of two programs is the older one.
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
on conflict (file_name) do update
set
    former_checksums = case
        when schema_change.checksum = excluded.checksum then schema_change.former_checksums
        else array_append(schema_change.former_checksums, schema_change.checksum)
    end,
    checksum = excluded.checksum,
    applied_at = excluded.applied_at,
    program_version = excluded.program_version
