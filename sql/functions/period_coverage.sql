-- Grain: a listener and a local day, week (from Monday), month, quarter or year, from the first recorded one to the
-- present one: how many of its days are recorded. Future days do not count.
--
--     covered            all of them
--     gap                all of them, but plays of some were probably lost
--     partly recorded    some of them
--     not recorded       none of them

create or replace function listening.period_coverage(period text)
returns table (
    listener_key integer,
    period_start date,
    day_count bigint,
    covered_day_count bigint,
    coverage text
)
language sql stable parallel safe
as $$
select
    day.listener_key,
    date_trunc(period, day.local_date)::date,
    count(*),
    count(*) filter (where day.is_covered),
    case
        when not bool_or(day.is_covered or day.is_lost) then 'not recorded'
        when not bool_and(day.is_covered or day.is_lost) then 'partly recorded'
        when bool_or(day.is_lost) then 'gap'
        else 'covered'
    end
from (
    select
        dim_listener.listener_key,
        days.local_date,
        recorded_days.covered_days @> days.local_date::date as is_covered,
        recorded_days.lost_days @> days.local_date::date as is_lost
    from listening.dim_listener
    cross join lateral listening.recorded_days(dim_listener.listener_key)
    cross join lateral generate_series(
        date_trunc(period, recorded_days.first_date::timestamp),
        greatest(
            (now() at time zone dim_listener.time_zone)::date,
            upper(recorded_days.covered_days + recorded_days.lost_days) - 1
        )::timestamp,
        interval '1 day'
    ) as days (local_date)
) as day
group by
    day.listener_key,
    date_trunc(period, day.local_date)::date
$$;

comment on function listening.period_coverage is
    'How many local days of each day, week, month, quarter or year (period) are recorded, from the first to the '
    'present one; coverage is covered, gap, partly recorded or not recorded. Filter it by listener_key.';
