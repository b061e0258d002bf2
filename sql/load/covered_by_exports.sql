-- The ledger after an import: the spans that exports tell of, each from play to play with no pause as long as a missing file would
-- leave; and the gaps that lie within one of them are closed.

create temporary table covered_by_export on commit drop as
with told as (
    select
        source.name as source,
        fact_play.played_at,
        fact_play.played_at - lag(fact_play.played_at) over (
            partition by source.name
            order by fact_play.played_at
        ) > interval '14 days' as is_after_pause
    from listening.fact_play
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
    cross join (values ('extended_export'), ('account_export')) as source (name)
    where
        fact_play.listener_key = :listener_key
        and case source.name
            when 'extended_export' then dim_play_profile.has_extended_export
            else dim_play_profile.has_account_export
        end
),
numbered as (
    select
        told.source,
        told.played_at,
        count(*) filter (where told.is_after_pause) over (
            partition by told.source
            order by told.played_at
        ) as span_number
    from told
)
select
    numbered.source,
    min(numbered.played_at) as starts_at,
    max(numbered.played_at) as ends_at
from numbered
group by
    numbered.source,
    numbered.span_number;

delete from ops.coverage
where
    coverage.listener_key = :listener_key
    and coverage.state = 'covered'
    and coverage.source in ('extended_export', 'account_export')
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

update ops.coverage
set
    closed_at = :found_at,
    closed_by = brought.source
from (
    select
        gap.coverage_key,
        max(covered_by_export.source) as source
    from ops.coverage as gap
    inner join covered_by_export
        on
            covered_by_export.starts_at <= gap.starts_at + interval '1 minute'
            and covered_by_export.ends_at >= gap.ends_at - interval '1 minute'
    where
        gap.listener_key = :listener_key
        and gap.state = 'gap'
        and gap.closed_at is null
    group by gap.coverage_key
) as brought
where coverage.coverage_key = brought.coverage_key
