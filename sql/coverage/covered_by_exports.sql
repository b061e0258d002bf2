-- The coverage ledger after an import. A source that covers a span covers the music of each package from first to last
-- play, unless a pause is as long as a missing file would leave. Overlapping spans become one; what lies between two
-- packages is covered by neither.

create temporary table covered_by_export on commit drop as
with export_day as (
    select
        file.package,
        staging_play.source,
        min(staging_play.played_at) as starts_at,
        max(staging_play.played_at) as ends_at
    from staging_play
    inner join unnest(cast(:packages as text[])) with ordinality as file (package, file_count)
        on file.file_count = staging_play.file_number + 1
    inner join listening.source on source.source_name = staging_play.source
    inner join listening.dim_track on dim_track.track_uri = staging_play.track_uri
    where
        source.coverage = 'span'
        and dim_track.content_type in ('track', 'local')
    group by
        file.package,
        staging_play.source,
        date_trunc('day', staging_play.played_at)
),
paused as (
    select
        export_day.package,
        export_day.source,
        export_day.starts_at,
        export_day.ends_at,
        export_day.starts_at - lag(export_day.ends_at) over (
            partition by
                export_day.package,
                export_day.source
            order by export_day.starts_at
        ) > interval '14 days' as is_apart
    from export_day
),
numbered as (
    select
        paused.package,
        paused.source,
        paused.starts_at,
        paused.ends_at,
        count(*) filter (where paused.is_apart) over (
            partition by
                paused.package,
                paused.source
            order by paused.starts_at
        ) as span_number
    from paused
),
span as (
    select
        numbered.source,
        min(numbered.starts_at) as starts_at,
        max(numbered.ends_at) as ends_at
    from numbered
    group by
        numbered.package,
        numbered.source,
        numbered.span_number
    union all
    select
        coverage.source,
        coverage.starts_at,
        coverage.ends_at
    from ops.coverage
    inner join listening.source on source.source_name = coverage.source
    where
        coverage.listener_key = :listener_key
        and coverage.state = 'covered'
        and source.coverage = 'span'
),
met as (
    select
        span.source,
        span.starts_at,
        span.ends_at,
        span.starts_at > max(span.ends_at) over (
            partition by span.source
            order by
                span.starts_at,
                span.ends_at
            rows between unbounded preceding and 1 preceding
        ) as is_apart
    from span
),
joined as (
    select
        met.source,
        met.starts_at,
        met.ends_at,
        count(*) filter (where met.is_apart) over (
            partition by met.source
            order by
                met.starts_at,
                met.ends_at
        ) as span_number
    from met
)
select
    joined.source,
    min(joined.starts_at) as starts_at,
    max(joined.ends_at) as ends_at
from joined
group by
    joined.source,
    joined.span_number;
