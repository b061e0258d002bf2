-- The days of every year from the first play to the last, so that the calendar has no holes. One more day on either
-- side gives every time zone its local date. A play that was uploaded later is dated to its start and length, maybe in
-- the year before.

with reported as (
    select
        least(min(staging_play.played_at), min(staging_play.started_at)) as first_at,
        max(staging_play.played_at) as last_at
    from staging_play
    union all
    select
        least(min(observation.observed_at), min(observation.started_at)),
        max(observation.observed_at)
    from listening.observation
    where
        cast(:is_rebuild as boolean)
        and observation.listener_key = :listener_key
),
played as (
    select
        extract(year from (min(reported.first_at) - interval '1 day') at time zone 'UTC')::integer as first_year,
        extract(year from (max(reported.last_at) + interval '1 day') at time zone 'UTC')::integer as last_year
    from reported
),
known as (
    select
        min(dim_date.year)::integer as first_year,
        max(dim_date.year)::integer as last_year
    from listening.dim_date
),
calendar as (
    select generate_series(
        make_date(least(played.first_year, known.first_year), 1, 1)::timestamp,
        make_date(greatest(played.last_year, known.last_year), 12, 31)::timestamp,
        interval '1 day'
    )::date as full_date
    from played
    cross join known
    where
        played.first_year is not null
        and (
            known.first_year is null
            or played.first_year < known.first_year
            or played.last_year > known.last_year
        )
)
insert into listening.dim_date (
    date_key,
    full_date,
    year,
    quarter,
    month,
    month_name,
    year_month,
    iso_year,
    iso_week,
    day_of_year,
    day_of_month,
    day_of_week,
    day_name,
    is_weekend
)
select
    to_char(calendar.full_date, 'YYYYMMDD')::integer,
    calendar.full_date,
    extract(year from calendar.full_date),
    extract(quarter from calendar.full_date),
    extract(month from calendar.full_date),
    to_char(calendar.full_date, 'FMMonth'),
    to_char(calendar.full_date, 'YYYY-MM'),
    extract(isoyear from calendar.full_date),
    extract(week from calendar.full_date),
    extract(doy from calendar.full_date),
    extract(day from calendar.full_date),
    extract(isodow from calendar.full_date),
    to_char(calendar.full_date, 'FMDay'),
    extract(isodow from calendar.full_date) >= 6
from calendar
order by calendar.full_date
on conflict do nothing;
