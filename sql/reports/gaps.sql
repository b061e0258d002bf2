-- Spans in which plays were probably lost
select
    coverage_span.starts_at,
    coverage_span.ends_at,
    coverage_span.reason
from listening.coverage_span
where
    coverage_span.listener_key = :listener_key
    and coverage_span.state = 'gap'
    and coverage_span.closed_at is null
    and coverage_span.starts_at < :until
    and coverage_span.ends_at >= :since
order by coverage_span.starts_at
