-- Record what became of the rows of a file.
insert into ops.import_file (
    run_key,
    package_name,
    file_name,
    source,
    row_count,
    new_count,
    known_count,
    merged_count,
    duplicate_count,
    private_count,
    malformed_count,
    podcast_count,
    unnamed_count,
    unreadable_reason
)
values (
    :run_key,
    :package_name,
    :file_name,
    :source,
    :row_count,
    :new_count,
    :known_count,
    :merged_count,
    :duplicate_count,
    :private_count,
    :malformed_count,
    :podcast_count,
    :unnamed_count,
    :unreadable_reason
)
