-- The moment a local day starts. Where the clock goes back an hour over midnight, midnight comes twice: the first
-- counts. (A few places went back by more, or a minute later, before 2024: there an hour or two counts to the
-- neighbouring day.)

create or replace function listening.start_of_day(local_date date, time_zone text)
returns timestamptz
language sql stable strict parallel safe
as $$
select case
    when
        ((local_date::timestamp at time zone time_zone) - interval '1 hour') at time zone time_zone
        >= local_date::timestamp
        then (local_date::timestamp at time zone time_zone) - interval '1 hour'
    else local_date::timestamp at time zone time_zone
end
$$;

comment on function listening.start_of_day is
    'The moment in which a day begins by the clock of a time zone; where midnight comes twice, the first.';
