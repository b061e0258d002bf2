-- Listeners whose plays are to be derived anew, and the last job that did not get it done; no row if there are none.
select
    count(*) as listener_count,
    min(rebuild_due.due_at) as due_at,
    max(rebuild_due.tried_at) as tried_at
from ops.rebuild_due
inner join listening.dim_listener on dim_listener.listener_key = rebuild_due.listener_key
where dim_listener.merged_into is null
having count(*) > 0
