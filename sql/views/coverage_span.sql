-- Grain: a span of the coverage ledger: covered by a source, or a gap, in which plays were probably lost.

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
where listening.is_visible(coverage.listener_key);

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
