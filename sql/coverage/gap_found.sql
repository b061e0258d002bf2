-- The open gaps that a page of the list has added, after window_break and gap_parts.

select
    coverage.starts_at,
    coverage.ends_at,
    coverage.reason
from ops.coverage
inner join window_break
    on
        window_break.starts_at < coverage.ends_at
        and window_break.ends_at > coverage.starts_at
where
    not window_break.is_recorded
    and coverage.listener_key = :listener_key
    and coverage.source = :source
    and coverage.state = 'gap'
    and coverage.closed_at is null
order by coverage.starts_at
