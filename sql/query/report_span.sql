-- Local days of a listener as moments: from the first moment of since_date to that of the day after until_date. Null is open.
select
    coalesce(cast(:since_date as date)::timestamp at time zone dim_listener.time_zone, '-infinity') as since,
    coalesce((cast(:until_date as date) + 1)::timestamp at time zone dim_listener.time_zone, 'infinity') as until
from listening.dim_listener
where dim_listener.listener_key = :listener_key
