-- The two schemas and the record of applied files, created in the transaction of the first migration.
create schema if not exists listening;

create schema if not exists ops;

create table if not exists ops.schema_change (
    file_name text primary key,
    checksum text not null,
    applied_at timestamptz not null,
    program_version text not null
);
comment on table ops.schema_change is 'What of sql/schema, functions and views was applied: one row a file.';
comment on column ops.schema_change.file_name is 'Folder and name of the file.';
comment on column ops.schema_change.checksum is 'SHA-256 of the file as it was applied.';
comment on column ops.schema_change.applied_at is 'When.';
comment on column ops.schema_change.program_version is 'Version of the program that applied it.';
