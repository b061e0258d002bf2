-- Record what became of the rows of each file of an import.
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
    unreadable_reason,
    content_hash,
    rules
)
select
    :run_key,
    file.package_name,
    file.file_name,
    file.source,
    file.row_count,
    file.new_count,
    file.known_count,
    file.merged_count,
    file.duplicate_count,
    file.private_count,
    file.malformed_count,
    file.podcast_count,
    file.unnamed_count,
    file.unreadable_reason,
    file.content_hash,
    file.rules
from
    jsonb_to_recordset(cast(:files as jsonb)) as file (
        package_name text,
        file_name text,
        source text,
        row_count integer,
        new_count integer,
        known_count integer,
        merged_count integer,
        duplicate_count integer,
        private_count integer,
        malformed_count integer,
        podcast_count integer,
        unnamed_count integer,
        unreadable_reason text,
        content_hash text,
        rules text
    )
