-- Grain: a listener, a weekday and an hour in which something was played. A play is at least thirty seconds.

create or replace view listening.hour_by_weekday with (security_invoker = true) as
select
    counted_plays.listener_key,
    dim_date.day_of_week,
    dim_date.day_name,
    dim_time.hour,
    count(*) as play_count,
    coalesce(sum(counted_plays.listened_ms), 0)::bigint as listened_ms,
    coalesce(covered.day_count, 0) as covered_day_count
from listening.counted_plays('30s', '-infinity', 'infinity')
inner join listening.dim_date on dim_date.date_key = counted_plays.date_key
inner join listening.dim_time on dim_time.time_key = counted_plays.time_key
left join (
    select
        period_coverage.listener_key,
        extract(isodow from period_coverage.period_start) as day_of_week,
        sum(period_coverage.covered_day_count)::bigint as day_count
    from listening.period_coverage('day')
    group by
        period_coverage.listener_key,
        extract(isodow from period_coverage.period_start)
) as covered
    on
        covered.listener_key = counted_plays.listener_key
        and covered.day_of_week = dim_date.day_of_week
group by
    counted_plays.listener_key,
    dim_date.day_of_week,
    dim_date.day_name,
    dim_time.hour,
    covered.day_count;

comment on view listening.hour_by_weekday is
    'When somebody listens: plays of at least thirty seconds by local weekday and hour.';
comment on column listening.hour_by_weekday.listener_key is 'Who listened.';
comment on column listening.hour_by_weekday.day_of_week is 'ISO: 1 is Monday, 7 is Sunday.';
comment on column listening.hour_by_weekday.day_name is 'Monday to Sunday.';
comment on column listening.hour_by_weekday.hour is '0 to 23, in which the plays ended.';
comment on column listening.hour_by_weekday.play_count is 'Plays.';
comment on column listening.hour_by_weekday.listened_ms is 'Milliseconds of these plays, reported or else estimated.';
comment on column listening.hour_by_weekday.covered_day_count is
    'How many such weekdays are covered: what an average one is to be taken of.';
