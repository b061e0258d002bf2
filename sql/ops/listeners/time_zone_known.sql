-- The first of these names that this Postgres knows; null when it knows none.
select listening.known_time_zone(cast(:names as text[])) as time_zone
