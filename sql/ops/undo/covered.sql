-- What the exports of a listener cover, anew from the imports that hold; coverage/covered_spans.sql writes it down. And
-- which gaps they close, which is then for coverage/gap_parts.sql to find. The spans of the files of a package are
-- joined where less than two weeks lie between.
create temporary table covered_by_export on commit drop as
with alive as (
    select
        import_file.run_key::text || ' ' || import_file.package_name as package,
        import_span.source,
        import_span.starts_at,
        import_span.ends_at
    from ops.import_span
    inner join ops.import_file on import_file.import_content_key = import_span.import_content_key
    inner join ops.run on run.run_key = import_file.run_key
    where
        run.listener_key = :listener_key
        and run.undone_at is null
    union
    select
        'listener merge ' || listener_merge.merge_key,
        import_span.source,
        import_span.starts_at,
        import_span.ends_at
    from ops.import_span
    inner join ops.listener_merge on listener_merge.import_content_key = import_span.import_content_key
    where
        listener_merge.into_listener_key = :listener_key
        and listener_merge.undone_at is null
    union
    select
        'earlier imports ' || import_span.starts_at::text,
        import_span.source,
        import_span.starts_at,
        import_span.ends_at
    from ops.import_span
    inner join ops.import_content on import_content.import_content_key = import_span.import_content_key
    where
        import_content.listener_key = :listener_key
        and import_content.is_earlier
        and not exists (
            select 1
            from dying_content
            where dying_content.import_content_key = import_content.import_content_key
        )
),
of_package as (
    select
        numbered.source,
        min(numbered.starts_at) as starts_at,
        max(numbered.ends_at) as ends_at
    from (
        select
            paused.*,
            count(*) filter (where paused.is_apart) over (
                partition by
                    paused.package,
                    paused.source
                order by
                    paused.starts_at,
                    paused.ends_at
            ) as span_number
        from (
            select
                alive.*,
                alive.starts_at - max(alive.ends_at) over (
                    partition by
                        alive.package,
                        alive.source
                    order by
                        alive.starts_at,
                        alive.ends_at
                    rows between unbounded preceding and 1 preceding
                ) > interval '14 days' as is_apart
            from alive
        ) as paused
    ) as numbered
    group by
        numbered.package,
        numbered.source,
        numbered.span_number
),
met as (
    select
        of_package.*,
        of_package.starts_at > max(of_package.ends_at) over (
            partition by of_package.source
            order by
                of_package.starts_at,
                of_package.ends_at
            rows between unbounded preceding and 1 preceding
        ) as is_apart
    from of_package
),
joined as (
    select
        met.*,
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

-- When a part was closed stays, where it is closed still; reopened.sql takes it from the others.
create temporary table reopened_gap on commit drop as
select coverage.coverage_key
from ops.coverage
inner join listening.source on source.source_name = coverage.closed_by
where
    coverage.listener_key = :listener_key
    and coverage.state = 'gap'
    and source.coverage = 'span';

update ops.coverage
set closed_by = null
from reopened_gap
where coverage.coverage_key = reopened_gap.coverage_key
