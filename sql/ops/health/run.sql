-- Per job: the last run, the last good one, since when it fails, and how many runs of the last week left no record on
-- GitHub. Runs dated in the future come from a wrong clock.
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
            and run.started_at < cast(:now as timestamptz) + interval '1 hour'
    ) as failing_since,
    (
        select count(*)
        from ops.run
        where
            run.job = latest.job
            and run.started_at > coalesce(good.started_at, '-infinity')
            and run.started_at < cast(:now as timestamptz) + interval '1 hour'
    ) as failed_count,
    (
        select coalesce(sum(run.unrecorded_count), 0)
        from ops.run
        where
            run.job = latest.job
            and run.started_at > cast(:now as timestamptz) - interval '7 days'
    ) as unrecorded_count
from (
    select distinct on (run.job)
        run.job,
        run.started_at,
        run.outcome
    from ops.run
    where run.started_at < cast(:now as timestamptz) + interval '1 hour'
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
        and run.started_at < cast(:now as timestamptz) + interval '1 hour'
        and (
            run.outcome in ('done', 'gap')
            or (run.outcome = 'waiting' and run.job = 'dimensions')
        )
) as good on true
order by latest.job
