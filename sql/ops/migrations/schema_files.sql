-- The files that this database was made with, with the checksums they had then; for whoever may read reports.
select
    schema_file.file_name,
    schema_file.checksum
from listening.schema_file
order by schema_file.file_name
