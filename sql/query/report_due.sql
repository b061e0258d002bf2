-- Whether the morning has come: whether this is the listener's first good run of plays after six o'clock, by their clock.
select
    local.now_at::time >= time '06:00'
    and not exists (
        select 1
        from ops.run
        where
            run.job = 'plays'
            and run.listener_key = :listener_key
            and run.outcome in ('done', 'gap')
            and run.started_at >= (local.now_at::date + time '06:00') at time zone local.time_zone
    ) as is_due
from (
    select
        dim_listener.time_zone,
        cast(:now as timestamptz) at time zone dim_listener.time_zone as now_at
    from listening.dim_listener
    where dim_listener.listener_key = :listener_key
) as local
