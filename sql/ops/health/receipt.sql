-- The five latest imports, the latest first, and how many there are in all.
select
    latest.receipt,
    latest.started_at,
    latest.undone_at,
    latest.import_count,
    (
        select count(*)::integer
        from ops.import_file
        where import_file.run_key = latest.receipt
    ) as file_count,
    (
        select coalesce(sum(import_file.row_count), 0)::integer
        from ops.import_file
        where import_file.run_key = latest.receipt
    ) as row_count,
    (
        select coalesce(sum(import_file.new_count), 0)::integer
        from ops.import_file
        where import_file.run_key = latest.receipt
    ) as new_count
from (
    select
        run.run_key as receipt,
        run.started_at,
        run.undone_at,
        count(*) over ()::integer as import_count
    from ops.run
    where
        run.job = 'import'
        and run.outcome = 'done'
    order by run.run_key desc
    limit 5
) as latest
order by latest.receipt desc
