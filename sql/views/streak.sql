-- Grain: a listener and a streak: consecutive local days, each with a play of at least thirty seconds.

create or replace view listening.streak with (security_invoker = true) as
select
    streaks.listener_key,
    streaks.first_date,
    streaks.last_date,
    streaks.day_count,
    streaks.play_count,
    listener_record.lost_days @> (streaks.first_date - 1)
    or listener_record.lost_days @> (streaks.last_date + 1)
    or not listener_record.covered_days @> (streaks.first_date - 1)
    or (
        not listener_record.covered_days @> (streaks.last_date + 1)
        and streaks.last_date < (now() at time zone listener_record.time_zone)::date
    ) as is_open_ended
from listening.streaks('30s')
inner join listening.listener_record on listener_record.listener_key = streaks.listener_key;

comment on view listening.streak is
    'Local days in a row, each with a play of at least thirty seconds; for another choice use the function streaks.';
comment on column listening.streak.listener_key is 'Who listened.';
comment on column listening.streak.first_date is 'First day.';
comment on column listening.streak.last_date is 'Last day.';
comment on column listening.streak.day_count is 'Days in a row, at least 1.';
comment on column listening.streak.play_count is 'Plays on these days.';
comment on column listening.streak.is_open_ended is
    'The day before or after is not recorded, or plays of it were probably lost.';
