-- Record a view or function as applied. Its former checksums show later which of two programs is the older one.
-- Functions were once recorded among the views: such a record moves to the function's present name, history and all.
update ops.schema_change
set file_name = :file_name
where
    schema_change.file_name = 'views/' || split_part(:file_name, '/', 2)
    and :file_name like 'functions/%'
    and not exists (
        select 1
        from ops.schema_change as present
        where present.file_name = :file_name
    );

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
