-- The hours, by the listener's clock, in which they played something in the last ninety days, and the days of that span.
-- One row an hour with plays.
select distinct
    date_trunc('hour', fact_play.played_at at time zone dim_listener.time_zone) as played_hour,
    dim_listener.time_zone
from listening.dim_listener
left join listening.fact_play
    on
        fact_play.listener_key = dim_listener.listener_key
        and fact_play.played_at >= cast(:now as timestamptz) - interval '90 days'
        and fact_play.played_at <= cast(:now as timestamptz)
where dim_listener.listener_key = :listener_key
