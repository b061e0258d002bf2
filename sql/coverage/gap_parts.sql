-- Cut each gap of a listener by what all sources that cover a span cover together. The parts of a gap that they cover
-- are closed, the others open, whatever came first. Next to a covered part, up to a minute counts as covered, too.

create temporary table gap_part on commit drop as
with gap as (
    select
        coverage.source,
        coverage.starts_at,
        coverage.ends_at,
        coverage.found_at,
        coverage.reason,
        coverage.closed_by
    from ops.coverage
    where
        coverage.listener_key = :listener_key
        and coverage.state = 'gap'
        and coverage.starts_at < coverage.ends_at
        and coalesce(coverage.closed_by, '') <> coverage.source  -- what the list itself has closed stays so
),
followed as (
    select
        gap.source,
        gap.starts_at,
        gap.ends_at,
        gap.found_at,
        gap.reason,
        max(gap.ends_at) over before_it as reached_at,
        lag(gap.found_at) over before_it as found_before_at
    from gap
    window
        before_it as (
            partition by gap.source
            order by gap.starts_at
            rows between unbounded preceding and 1 preceding
        )
),
numbered as (
    select
        followed.source,
        followed.starts_at,
        followed.ends_at,
        followed.found_at,
        followed.reason,
        -- parts of one gap touch and were found together
        count(*) filter (
            where followed.starts_at > followed.reached_at
            or (followed.starts_at = followed.reached_at and followed.found_at <> followed.found_before_at)
        ) over (
            partition by followed.source
            order by followed.starts_at
        ) as gap_number
    from followed
),
whole as (
    select
        numbered.source,
        tstzrange(min(numbered.starts_at), max(numbered.ends_at)) as span,
        min(numbered.found_at) as found_at,
        (array_agg(numbered.reason order by numbered.found_at, numbered.starts_at))[1] as reason
    from numbered
    group by
        numbered.source,
        numbered.gap_number
),
closing as (
    select
        coverage.source,
        tstzrange(coverage.starts_at, coverage.ends_at) as span,
        false as is_closed_before
    from ops.coverage
    inner join listening.source on source.source_name = coverage.source
    where
        coverage.listener_key = :listener_key
        and coverage.state = 'covered'
        and source.coverage = 'span'
    union all
    select
        gap.closed_by,
        tstzrange(gap.starts_at, gap.ends_at) as span,
        true as is_closed_before
    from gap
    where gap.closed_by is not null
),
open_part as (
    select
        whole.source,
        whole.span,
        whole.found_at,
        whole.reason,
        (
            select coalesce(range_agg(rest.span), '{}')
            from unnest(tstzmultirange(whole.span) - covered.spans) as rest (span)
            where
                rest.span = whole.span
                or upper(rest.span) - lower(rest.span) > interval '1 minute'
        ) as spans
    from whole
    cross join (select coalesce(range_agg(closing.span), '{}') as spans from closing) as covered
)
select
    open_part.source,
    lower(part.span) as starts_at,
    upper(part.span) as ends_at,
    open_part.found_at,
    open_part.reason,
    case
        when part.is_closed
            then (
                -- the source that reaches furthest in it
                select closing.source
                from closing
                where closing.span && part.span
                order by
                    closing.is_closed_before,
                    least(upper(closing.span), upper(part.span)) desc,
                    closing.source
                limit 1
            )
    end as closed_by
from open_part
cross join lateral (
    select
        still.span,
        false as is_closed
    from unnest(open_part.spans) as still (span)
    union all
    select
        gone.span,
        true as is_closed
    from unnest(tstzmultirange(open_part.span) - open_part.spans) as gone (span)
) as part;

delete from ops.coverage
where
    coverage.listener_key = :listener_key
    and coverage.state = 'gap'
    and coverage.starts_at < coverage.ends_at
    and coalesce(coverage.closed_by, '') <> coverage.source
    and not exists (
        select 1
        from gap_part
        where
            gap_part.source = coverage.source
            and gap_part.starts_at = coverage.starts_at
    );

insert into ops.coverage (
    listener_key,
    source,
    state,
    starts_at,
    ends_at,
    found_at,
    reason,
    closed_at,
    closed_by
)
select
    :listener_key,
    gap_part.source,
    'gap',
    gap_part.starts_at,
    gap_part.ends_at,
    gap_part.found_at,
    gap_part.reason,
    case when gap_part.closed_by is not null then cast(:found_at as timestamptz) end,
    gap_part.closed_by
from gap_part
on conflict (listener_key, source, state, starts_at) do update
set
    ends_at = excluded.ends_at,
    found_at = excluded.found_at,
    reason = excluded.reason,
    closed_at = case
        when excluded.ends_at = coverage.ends_at and excluded.closed_by is not null
            then coalesce(coverage.closed_at, excluded.closed_at)
        else excluded.closed_at
    end,
    closed_by = excluded.closed_by
where
    (coverage.ends_at, coverage.found_at, coverage.reason, coverage.closed_by)
    is distinct from (excluded.ends_at, excluded.found_at, excluded.reason, excluded.closed_by)
