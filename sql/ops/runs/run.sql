-- The record of one run. Of a workflow on GitHub also how many of its runs have left no record since the last that did.
insert into ops.run (
    job,
    listener_key,
    started_at,
    finished_at,
    outcome,
    received_count,
    recorded_count,
    program_version,
    repository_id,
    run_number,
    unrecorded_count
)
values (
    :job,
    :listener_key,
    :started_at,
    :finished_at,
    :outcome,
    :received_count,
    :recorded_count,
    :program_version,
    :repository_id,
    :run_number,
    (
        select greatest(0, cast(:run_number as bigint) - 1 - max(run.run_number))
        from ops.run
        where
            run.job = :job
            and run.repository_id = :repository_id
        having
            max(run.run_number) is not null
            and cast(:run_number as bigint) is not null
    )
)
returning run_key
