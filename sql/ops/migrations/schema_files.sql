-- The files this database was made with, and their checksums then; for users who may only read reports.
select
    schema_file.file_name,
    schema_file.checksum
from listening.schema_file
order by schema_file.file_name
