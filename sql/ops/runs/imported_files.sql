-- The files that imports of a listener have read, from their receipts (a file that was known by its hash has no rules
-- there). A file with a bad row is read each time, so that each receipt names the row.
select
    import_file.run_key,
    import_file.package_name,
    import_file.content_hash,
    import_file.rules,
    import_file.source,
    import_file.row_count,
    import_file.duplicate_count,
    import_file.private_count,
    import_file.podcast_count,
    import_file.unnamed_count
from ops.import_file
inner join ops.run on run.run_key = import_file.run_key
where
    run.listener_key = :listener_key
    and run.outcome = 'done'
    and run.undone_at is null
    -- an import before contents were kept, of a file that was imported again since: that import counts
    and (
        import_file.import_content_key is not null
        or not exists (
            select 1
            from ops.import_content
            where
                import_content.listener_key = :listener_key
                and import_content.content_hash = import_file.content_hash
                and import_content.rules = import_file.rules
        )
    )
    and import_file.content_hash is not null
    and import_file.rules is not null
    and import_file.malformed_count = 0
order by import_file.import_file_key
