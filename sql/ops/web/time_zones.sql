-- The time zones that this Postgres knows by name.
select pg_timezone_names.name as time_zone
from pg_timezone_names
order by pg_timezone_names.name
