-- How many imports of a listener there are, and how many were taken back: as long as both stay, what is known of earlier
-- imports holds. No row if the listener is gone.
select
    (
        select count(*)
        from ops.run
        where
            run.listener_key = dim_listener.listener_key
            and run.job = 'import'
    ) as import_count,
    (
        select count(*)
        from ops.run
        where
            run.listener_key = dim_listener.listener_key
            and run.undone_at is not null
    ) as undone_count
from listening.dim_listener
where dim_listener.listener_key = :listener_key
