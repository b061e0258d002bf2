-- After coverage/gap_parts.sql: a gap that no export covers any longer was never closed.
update ops.coverage
set closed_at = null
from reopened_gap
where
    coverage.coverage_key = reopened_gap.coverage_key
    and coverage.closed_by is null
    and coverage.closed_at is not null
