-- The listeners whose plays are to be derived anew after an update, and which job last tried. One who was merged into
-- another has none, and is due when the merge is taken back.
select
    rebuild_due.listener_key,
    rebuild_due.tried_at,
    rebuild_due.tried_by
from ops.rebuild_due
inner join listening.dim_listener on dim_listener.listener_key = rebuild_due.listener_key
where dim_listener.merged_into is null
order by rebuild_due.listener_key
