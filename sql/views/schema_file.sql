-- Grain: a file of sql/schema, functions or views that this database was made with; reports compare them with their
-- own.

create or replace view listening.schema_file as
select
    schema_change.file_name,
    schema_change.checksum
from ops.schema_change;

comment on view listening.schema_file is
    'The files of sql/schema, functions and views that this database was made with: so that a report knows whether '
    'they are its own.';
comment on column listening.schema_file.file_name is 'Name of the file.';
comment on column listening.schema_file.checksum is 'SHA-256 of its content when it was applied.';
