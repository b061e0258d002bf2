-- Whether the daily report is due: it is past six by the listener's clock, and no run since six has made the report. A
-- transaction that is repeated gets the same answer.
select
    local.now_at::time >= time '06:00'
    and not exists (
        select 1
        from ops.run
        where
            run.job = 'daily-report'
            and run.listener_key = :listener_key
            and run.started_at <> :now
            and run.started_at >= (local.now_at::date + time '06:00') at time zone local.time_zone
    ) as is_due
from (
    select
        dim_listener.time_zone,
        cast(:now as timestamptz) at time zone dim_listener.time_zone as now_at
    from listening.dim_listener
    where dim_listener.listener_key = :listener_key
) as local
