-- Record window_break as a gap, which gap_parts.sql then cuts. Before that, the open gaps that this page of the list
-- reaches into: it holds everything between its oldest and its newest play, however late it arrived. What it holds of a
-- gap is no gap.

update ops.coverage
set
    starts_at = case when rest.is_empty then coverage.starts_at else rest.starts_at end,
    ends_at = case when rest.is_empty then coverage.ends_at else rest.ends_at end,
    closed_at = case when rest.is_empty then cast(:found_at as timestamptz) end,
    closed_by = case when rest.is_empty then coverage.source end
from (
    select
        part.*,
        not ops.is_room(
            part.starts_at,
            part.ends_at,
            (
                select max(dim_track.duration_ms)
                from listening.fact_play
                inner join listening.dim_track on dim_track.track_key = fact_play.track_key
                where
                    fact_play.listener_key = :record_key
                    and fact_play.played_at = part.ends_at
            )
        ) as is_empty
    from (
        select
            gap.coverage_key,
            case when page.newest_at < gap.ends_at then page.newest_at else gap.starts_at end as starts_at,
            case
                when page.newest_at >= gap.ends_at then greatest(page.oldest_at, gap.starts_at)
                else gap.ends_at
            end as ends_at
        from (
            select
                min(batch_observation.observed_at) as oldest_at,
                max(batch_observation.observed_at) as newest_at
            from batch_observation
        ) as page
        inner join ops.coverage as gap
            on
                gap.starts_at < page.newest_at
                and gap.ends_at > page.oldest_at
                and (gap.ends_at <= page.newest_at or gap.starts_at >= page.oldest_at)
        where
            gap.listener_key = :listener_key
            and gap.source = :source
            and gap.state = 'gap'
            and gap.closed_at is null
    ) as part
) as rest
where
    coverage.coverage_key = rest.coverage_key
    and not exists (
        select 1
        from ops.coverage as other
        where
            other.listener_key = :listener_key
            and other.source = :source
            and other.state = 'gap'
            and other.starts_at = rest.starts_at
            and other.coverage_key <> rest.coverage_key
    );

insert into ops.coverage (
    listener_key,
    source,
    state,
    starts_at,
    ends_at,
    found_at,
    reason
)
select
    :listener_key,
    :source,
    'gap',
    window_break.starts_at,
    window_break.ends_at,
    :found_at,
    window_break.reason
from window_break
where not window_break.is_recorded
on conflict (listener_key, source, state, starts_at) do update
set
    ends_at = greatest(coverage.ends_at, excluded.ends_at),
    closed_at = null,
    closed_by = null;
