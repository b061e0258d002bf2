-- The gaps that nothing has closed yet, of every listener. Of one who was merged into another: neither what an export
-- of the other covers.
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
    and not exists (
        select 1
        from listening.dim_listener
        inner join ops.coverage as closing on closing.listener_key = dim_listener.merged_into
        inner join listening.source on source.source_name = closing.source
        where
            dim_listener.listener_key = coverage.listener_key
            and closing.state = 'covered'
            and source.coverage = 'span'
            and closing.starts_at <= coverage.starts_at
            and closing.ends_at >= coverage.ends_at
    )
order by
    coverage.listener_key,
    coverage.starts_at,
    coverage.source
