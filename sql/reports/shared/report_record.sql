-- Which local days of the listener are recorded, today's date, and how many rules leave plays out.
select
    recorded_days.covered_days::text as covered_days,
    recorded_days.lost_days::text as lost_days,
    recorded_days.first_date,
    recorded_days.new_since,
    listening.start_of_day(recorded_days.new_since, dim_listener.time_zone) as new_at,
    (cast(:now as timestamptz) at time zone dim_listener.time_zone)::date as today,
    (select count(*) from listening.exclusion where exclusion.listener_key = :listener_key) as rule_count
from listening.dim_listener
cross join lateral listening.recorded_days(dim_listener.listener_key)
where dim_listener.listener_key = :listener_key
