-- Spans in which plays were probably lost
select
    coverage.starts_at,
    coverage.ends_at
from ops.coverage
where
    coverage.listener_key = :listener_key
    and coverage.state = 'gap'
    and coverage.closed_at is null
    and coverage.starts_at < :until
    and coverage.ends_at >= :since
order by coverage.starts_at
