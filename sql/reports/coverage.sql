-- How complete
select
    coverage.source,
    coverage.state,
    greatest(coverage.starts_at, :since) as starts_at,
    least(coverage.ends_at, :until) as ends_at,
    coverage.starts_at <= :since and coverage.ends_at >= :until as is_whole,
    coverage.reason,
    coverage.closed_at,
    coverage.closed_by
from ops.coverage
where
    coverage.listener_key = :listener_key
    and coverage.starts_at < :until
    and coverage.ends_at > :since
order by
    coverage.state,
    coverage.source desc,
    coverage.starts_at
