-- The last run of each job, the last good one, and since when it has failed.
select
    latest.job,
    latest.started_at,
    latest.outcome,
    good.started_at as good_at,
    (
        select min(run.started_at)
        from ops.run
        where
            run.job = latest.job
            and run.started_at > coalesce(good.started_at, '-infinity')
    ) as failing_since,
    (
        select count(*)
        from ops.run
        where
            run.job = latest.job
            and run.started_at > coalesce(good.started_at, '-infinity')
    ) as failed_count
from (
    select distinct on (run.job)
        run.job,
        run.started_at,
        run.outcome
    from ops.run
    order by
        run.job,
        run.started_at desc,
        run.run_key desc
) as latest
left join lateral (
    select max(run.started_at) as started_at
    from ops.run
    where
        run.job = latest.job
        and (
            run.outcome in ('done', 'gap')
            or (run.outcome = 'waiting' and run.job = 'dimensions')
        )
) as good on true
order by latest.job
