-- The coverage ledger.
select
    coverage.listener_key,
    coverage.source,
    coverage.state,
    coverage.starts_at,
    coverage.ends_at,
    coverage.found_at,
    coverage.reason,
    coverage.closed_at,
    coverage.closed_by
from ops.coverage
order by
    coverage.listener_key,
    coverage.starts_at,
    coverage.state desc,
    coverage.source
