-- The listeners whose plays are to be derived anew after an update, and which job last tried. One who was merged into
-- another has none, and is due when the merge is taken back.
select
    rebuild_due.listener_key,
    rebuild_due.tried_at,
    rebuild_due.tried_by
from ops.rebuild_due
where
    rebuild_due.listener_key not in (
        select dim_listener.listener_key
        from listening.dim_listener
        where dim_listener.merged_into is not null
    )
order by rebuild_due.listener_key
