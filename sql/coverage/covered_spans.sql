-- What the exports of a listener cover (covered_by_export) takes the place of what the ledger says of it.
delete from ops.coverage
using listening.source
where
    coverage.listener_key = :listener_key
    and coverage.state = 'covered'
    and source.source_name = coverage.source
    and source.coverage = 'span'
    and not exists (
        select 1
        from covered_by_export
        where
            covered_by_export.source = coverage.source
            and covered_by_export.starts_at = coverage.starts_at
    );

insert into ops.coverage (
    listener_key,
    source,
    state,
    starts_at,
    ends_at,
    found_at
)
select
    :listener_key,
    covered_by_export.source,
    'covered',
    covered_by_export.starts_at,
    covered_by_export.ends_at,
    :found_at
from covered_by_export
on conflict (listener_key, source, state, starts_at) do update
set ends_at = excluded.ends_at
where coverage.ends_at <> excluded.ends_at;
