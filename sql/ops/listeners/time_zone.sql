-- The time zone of a listener, whether this Postgres knows it, and whether it knows the one asked for (null: none).
select
    dim_listener.time_zone,
    listening.known_time_zone(array[dim_listener.time_zone]) is not null as is_known,
    listening.known_time_zone(array[cast(:asked as text)]) is not null as is_asked_known,
    dim_listener.dates_checked_at is not null as is_dated
from listening.dim_listener
where dim_listener.listener_key = :listener_key
