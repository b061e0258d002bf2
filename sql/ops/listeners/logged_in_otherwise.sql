-- A row if other listeners have a login here and this one has none. Listeners who were merged are one.
select 1 as is_somebody_else
from ops.login
inner join listening.dim_listener on dim_listener.listener_key = login.listener_key
having
    count(*) > 0
    and count(*) filter (
        where
            exists (
                select 1
                from listening.dim_listener as known
                where
                    known.listener_id = any(cast(:listener_ids as text[]))
                    and coalesce(known.merged_into, known.listener_key)
                    = coalesce(dim_listener.merged_into, dim_listener.listener_key)
            )
    ) = 0
