-- The files of an import of a listener, in their order, with what became of their rows.
select
    import_file.file_name,
    import_file.source,
    import_file.row_count,
    import_file.new_count,
    import_file.known_count,
    import_file.merged_count,
    import_file.duplicate_count,
    import_file.private_count,
    import_file.malformed_count,
    import_file.unreadable_reason
from ops.run
inner join ops.import_file on import_file.run_key = run.run_key
where
    run.run_key = :receipt
    and run.listener_key = :listener_key
order by import_file.import_file_key
