-- Grain: a listener and a minute of the week (0 for Monday, 00:00) at which a rule leaves everything out: one that asks
-- for a time of the day, maybe for weekdays, and for nothing else.

create or replace function listening.excluded_week_minutes()
returns table (
    listener_key integer,
    week_minute integer
)
language sql stable parallel safe
rows 500 cost 1
set jit = off
as $$
select
    exclusion.listener_key,
    (day.number - 1) * 1440 + minute.number
from listening.exclusion
cross join generate_series(1, 7) as day (number)
cross join generate_series(0, 1439) as minute (number)
where
    num_nonnulls(
        exclusion.artist_key, exclusion.track_key, exclusion.album_key, exclusion.genre_name, exclusion.context_key,
        exclusion.device_name, exclusion.since_date, exclusion.until_date
    ) = 0
    and coalesce(day.number = any(exclusion.weekdays), true)
    and case
        when exclusion.from_minute < exclusion.until_minute
            then minute.number >= exclusion.from_minute and minute.number < exclusion.until_minute
        else minute.number >= exclusion.from_minute or minute.number < exclusion.until_minute
    end
$$;

comment on function listening.excluded_week_minutes is
    'The minutes of the week, from 0 for the first of a Monday, at which rules of listening.exclusion that ask for '
    'nothing but a time leave everything out.';
