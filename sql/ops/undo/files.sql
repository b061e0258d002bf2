-- Link the files of a receipt with their contents. A file that an older import has read, before contents were kept, has
-- none.
update ops.import_file
set import_content_key = import_content.import_content_key
from unnest(cast(:hashes as text[]), cast(:rules as text[])) as file (content_hash, rules)
inner join ops.import_content
    on
        import_content.content_hash = file.content_hash
        and import_content.rules = file.rules
inner join ops.run on run.listener_key = import_content.listener_key
where
    run.run_key = :run_key
    and import_file.run_key = :run_key
    and import_file.unreadable_reason is null
    and coalesce(import_file.content_hash, 'table ' || import_file.file_name) = file.content_hash
