-- The listener who has this account, and whether anybody is recorded here at all. One row.
select
    min(dim_listener.listener_key) filter (
        where dim_listener.listener_id = any(cast(:listener_ids as text[]))
    ) as listener_key,
    count(*) filter (where dim_listener.listener_id <> 'me') > 0 as is_anybody
from listening.dim_listener
