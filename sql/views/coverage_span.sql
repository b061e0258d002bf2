-- Grain: a span of the coverage ledger: covered by a source, or a gap, in which plays were probably lost. The spans of
-- a listener who was merged into another one are the other's: those of their exports by a row of the other's own, the
-- rest here, and a gap of theirs is closed once an export of the other covers all of it.

create or replace view listening.coverage_span as
select
    coverage.listener_key,
    coverage.source,
    coverage.state,
    coverage.starts_at,
    coverage.ends_at,
    (coverage.starts_at at time zone dim_listener.time_zone)::date as first_date,
    (coverage.ends_at at time zone dim_listener.time_zone)::date as last_date,
    coverage.reason,
    coverage.closed_at,
    coverage.closed_by
from ops.coverage
inner join listening.dim_listener on dim_listener.listener_key = coverage.listener_key
where
    dim_listener.merged_into is null
    and listening.is_visible(coverage.listener_key)
union all
select
    dim_listener.listener_key,
    coverage.source,
    coverage.state,
    coverage.starts_at,
    coverage.ends_at,
    (coverage.starts_at at time zone dim_listener.time_zone)::date,
    (coverage.ends_at at time zone dim_listener.time_zone)::date,
    coverage.reason,
    coalesce(coverage.closed_at, closing.found_at),
    coalesce(coverage.closed_by, closing.source)
from listening.dim_listener as merged
inner join listening.dim_listener on dim_listener.listener_key = merged.merged_into
inner join ops.coverage on coverage.listener_key = merged.listener_key
inner join listening.source
    on
        source.source_name = coverage.source
        and source.coverage <> 'span'
left join lateral (
    select
        export.source,
        export.found_at
    from ops.coverage as export
    inner join listening.source as exporting on exporting.source_name = export.source
    where
        coverage.state = 'gap'
        and export.listener_key = merged.merged_into
        and export.state = 'covered'
        and exporting.coverage = 'span'
        and export.starts_at <= coverage.starts_at
        and export.ends_at >= coverage.ends_at
    order by
        export.found_at,
        export.source
    limit 1
) as closing on true
where listening.is_visible(dim_listener.listener_key);

comment on view listening.coverage_span is
    'The coverage ledger: spans that a source covers, and gaps, in which plays were probably lost. What lies in no '
    'span is not recorded. Day by day: coverage_day.';
comment on column listening.coverage_span.listener_key is 'Who listened.';
comment on column listening.coverage_span.source is 'recently_played, extended_export …: see listening.source.';
comment on column listening.coverage_span.state is
    'covered: the source reports everything it could. gap: plays were probably lost.';
comment on column listening.coverage_span.starts_at is 'Begin of the span.';
comment on column listening.coverage_span.ends_at is 'End of the span.';
comment on column listening.coverage_span.first_date is 'Local day in which it begins.';
comment on column listening.coverage_span.last_date is 'Local day in which it ends.';
comment on column listening.coverage_span.reason is 'Of a gap: run_missing, outage or full_window.';
comment on column listening.coverage_span.closed_at is 'When an import brought what was lost; null while it has not.';
comment on column listening.coverage_span.closed_by is 'Which source brought it.';
