-- The moment in which a local day begins. Where the clock goes back over midnight by an hour, midnight comes twice: the first one counts.
-- (It went back by more, or a minute later, in a few places before 2024: there an hour or two stands in the report of the other day.)

create or replace function listening.start_of_day(local_date date, time_zone text)
returns timestamptz
language sql stable strict parallel safe
as $$
select case
    when ((local_date::timestamp at time zone time_zone) - interval '1 hour') at time zone time_zone >= local_date::timestamp
        then (local_date::timestamp at time zone time_zone) - interval '1 hour'
    else local_date::timestamp at time zone time_zone
end
$$;

comment on function listening.start_of_day is 'The moment in which a day begins by the clock of a time zone; where midnight comes twice, the first.';
