-- The imports recorded here, the latest first: when, whose, and what they brought. receipt null: all;
-- listener_key null: of everybody.
select
    run.run_key as receipt,
    run.started_at,
    run.listener_key,
    (
        select listener_merge.merge_key
        from ops.listener_merge
        where
            listener_merge.listener_key = run.listener_key
            and listener_merge.undone_at is null
    ) as merge_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    run.undone_at,
    coalesce(sum(import_file.row_count), 0)::integer as row_count,
    coalesce(sum(import_file.new_count), 0)::integer as new_count,
    count(import_file.source)::integer as file_count,
    count(import_file.import_content_key)::integer as content_count,
    coalesce(bool_or(import_file.source is not null and import_file.content_hash is null), false) as has_tables,
    coalesce(
        array_agg(import_file.file_name order by import_file.import_file_key)
        filter (where import_file.import_file_key is not null),
        '{}'
    ) as file_names
from ops.run
left join ops.import_file on import_file.run_key = run.run_key
left join listening.dim_listener on dim_listener.listener_key = run.listener_key
where
    run.job = 'import'
    and run.outcome = 'done'
    and (
        run.run_key = :receipt
        or cast(:receipt as bigint) is null
    )
    and (
        run.listener_key = :listener_key
        or cast(:listener_key as integer) is null
    )
group by
    run.run_key,
    dim_listener.listener_key
order by run.run_key desc
