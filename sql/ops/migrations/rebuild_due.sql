-- The listeners whose plays are to be derived anew after an update, and which job last tried.
select
    rebuild_due.listener_key,
    rebuild_due.tried_at,
    rebuild_due.tried_by
from ops.rebuild_due
order by rebuild_due.listener_key
