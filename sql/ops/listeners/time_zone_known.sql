-- The first of these names that this Postgres knows as a time zone; null if it knows none.
select listening.known_time_zone(cast(:names as text[])) as time_zone
