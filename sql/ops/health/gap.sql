-- The gaps that nothing has closed yet, of every listener.
select
    coverage.state,
    coverage.starts_at,
    coverage.ends_at,
    coverage.found_at,
    coverage.reason,
    coverage.closed_at
from ops.coverage
where
    coverage.state = 'gap'
    and coverage.closed_at is null
order by
    coverage.listener_key,
    coverage.starts_at,
    coverage.source
