-- How fresh
select
    freshness.last_played_at,
    freshness.checked_at
from listening.freshness
where freshness.listener_key = :listener_key
