-- Local days of a listener as moments: from the start of since_date to the end of until_date. Null is open.
select
    coalesce(listening.start_of_day(cast(:since_date as date), dim_listener.time_zone), '-infinity') as since,
    coalesce(listening.start_of_day(cast(:until_date as date) + 1, dim_listener.time_zone), 'infinity') as until
from listening.dim_listener
where dim_listener.listener_key = :listener_key
