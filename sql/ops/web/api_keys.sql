-- The keys of a listener to the API, the newest first.
select
    api_key.api_key_key,
    api_key.key_name,
    api_key.is_read_only,
    api_key.created_at,
    api_key.used_at
from ops.api_key
where api_key.listener_key = :listener_key
order by api_key.api_key_key desc
