-- Listeners whose plays are to be derived anew, and the last job that did not get it done; no row if there are none.
select
    count(*) as listener_count,
    min(rebuild_due.due_at) as due_at,
    max(rebuild_due.tried_at) as tried_at
from ops.rebuild_due
where
    rebuild_due.listener_key not in (
        select dim_listener.listener_key
        from listening.dim_listener
        where dim_listener.merged_into is not null
    )
having count(*) > 0
