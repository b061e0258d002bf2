-- The two schemas, and the record of what was applied to them: made with the first change, in the same transaction.
create schema if not exists listening;

create schema if not exists ops;

create table if not exists ops.schema_change (
    file_name text primary key,
    checksum text not null,
    applied_at timestamptz not null,
    program_version text not null
);
comment on table ops.schema_change is 'What of sql/schema and sql/views was applied: one row a file.';
comment on column ops.schema_change.file_name is 'Folder and name of the file.';
comment on column ops.schema_change.checksum is 'SHA-256 of the file as it was applied.';
comment on column ops.schema_change.applied_at is 'When.';
comment on column ops.schema_change.program_version is 'Version of the program that applied it.';
