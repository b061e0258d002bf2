-- The record of one run.
insert into ops.run (
    job,
    listener_key,
    started_at,
    finished_at,
    outcome,
    received_count,
    recorded_count,
    program_version
)
values (
    :job,
    :listener_key,
    :started_at,
    :finished_at,
    :outcome,
    :received_count,
    :recorded_count,
    :program_version
)
returning run_key
