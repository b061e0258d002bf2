-- Record a run. On GitHub also how many runs of the workflow left no record since the last one that did.
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
