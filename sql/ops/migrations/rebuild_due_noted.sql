-- Note that the plays of all listeners are to be derived anew; whose.
insert into ops.rebuild_due (
    listener_key,
    schema_file,
    due_at
)
select
    dim_listener.listener_key,
    :schema_file,
    :due_at
from listening.dim_listener
where exists (
    select 1
    from listening.observation
    where observation.listener_key = dim_listener.listener_key
)
on conflict (listener_key) do update
set
    schema_file = excluded.schema_file,
    due_at = excluded.due_at,
    tried_at = null,
    tried_by = null
returning rebuild_due.listener_key
