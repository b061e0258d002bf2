-- Records a file as applied; views are applied again whenever they change.
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
    checksum = excluded.checksum,
    applied_at = excluded.applied_at,
    program_version = excluded.program_version
