-- Which local days of a listener are recorded. One row.
--
--     covered     a source covers part of the day, or a play of it is recorded, and no gap touches it
--     gap         an open gap touches the day, so plays were probably lost (lost_days)
--     (neither)   not recorded
--
-- A first play is a discovery only after ninety covered days: new_since is the first day after those.

create or replace function listening.recorded_days(for_listener_key integer)
returns table (
    covered_days datemultirange,
    lost_days datemultirange,
    first_date date,
    new_since date
)
language plpgsql stable parallel safe
rows 1 cost 10000 -- in plpgsql, so called once per listener: an SQL function would be inlined and run for each row
as $$
#variable_conflict use_column
begin
return query
with ledger as materialized (
    select
        coalesce(
            range_agg(daterange(coverage_span.first_date, coverage_span.last_date, '[]'))
                filter (where coverage_span.state = 'covered'),
            '{}'
        ) as covered_days,
        coalesce(
            range_agg(daterange(coverage_span.first_date, coverage_span.last_date, '[]'))
                filter (where coverage_span.state = 'gap' and coverage_span.closed_at is null),
            '{}'
        ) as lost_days
    from listening.coverage_span
    where coverage_span.listener_key = for_listener_key
),
uncovered as materialized (  -- so that plays are looked up by the index, under row-level security too
    select
        coalesce(listening.start_of_day(lower(days.uncovered_days), dim_listener.time_zone), '-infinity') as since,
        coalesce(listening.start_of_day(upper(days.uncovered_days), dim_listener.time_zone), 'infinity') as until
    from ledger
    cross join listening.dim_listener
    cross join lateral unnest('{(,)}'::datemultirange - ledger.covered_days) as days (uncovered_days)
    where dim_listener.listener_key = for_listener_key
),
played as (
    -- plays outside of all spans: podcasts of an export, tables of an older project
    select range_agg(daterange(day.local_date, day.local_date, '[]')) as played_days
    from (
        select distinct
            make_date(
                fact_play.date_key / 10000, fact_play.date_key / 100 % 100, fact_play.date_key % 100
            ) as local_date
        from uncovered
        inner join listening.fact_play
            on
                fact_play.listener_key = for_listener_key
                and fact_play.played_at >= uncovered.since
                and fact_play.played_at < uncovered.until
    ) as day
),
recorded as materialized (
    select
        ledger.covered_days + coalesce(played.played_days, '{}') - ledger.lost_days as covered_days,
        ledger.lost_days
    from ledger
    cross join played
),
counted as (
    select
        lower(span.days) as first_date,
        upper(span.days) - lower(span.days) as day_count,
        sum(upper(span.days) - lower(span.days)) over (order by lower(span.days)) as day_count_so_far
    from recorded
    cross join lateral unnest(recorded.covered_days) as span (days)
)
select
    recorded.covered_days,
    recorded.lost_days,
    lower(recorded.covered_days + recorded.lost_days),
    (
        select min(counted.first_date + (90 - counted.day_count_so_far + counted.day_count)::integer)
        from counted
        where counted.day_count_so_far >= 90
    )
from recorded;
end
$$;

comment on function listening.recorded_days is
    'Which local days of a listener are recorded: those that are covered, and those of which plays were probably '
    'lost; the first of them; and the day from which a first play is a discovery, because ninety covered days lie '
    'before it (null: not yet).';
