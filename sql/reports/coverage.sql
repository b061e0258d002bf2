-- How complete
select
    coverage_span.source,
    coverage_span.state,
    greatest(coverage_span.starts_at, :since) as starts_at,
    least(coverage_span.ends_at, :until) as ends_at,
    coverage_span.starts_at <= :since and coverage_span.ends_at >= :until as is_whole,
    coverage_span.reason,
    coverage_span.closed_at,
    coverage_span.closed_by
from listening.coverage_span
where
    coverage_span.listener_key = :listener_key
    and coverage_span.starts_at < :until
    and coverage_span.ends_at > :since
order by
    coverage_span.state,
    coverage_span.source desc,
    coverage_span.starts_at
