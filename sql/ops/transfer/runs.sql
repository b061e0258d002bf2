-- The recorded runs.
select
    run.run_key,
    run.job,
    run.started_at,
    run.finished_at
from ops.run
