-- How fresh
select
    (
        select max(fact_play.played_at)
        from listening.fact_play
        where fact_play.listener_key = dim_listener.listener_key
    ) as last_played_at,
    (
        select max(watermark.checked_at)
        from ops.watermark
        where watermark.listener_key = dim_listener.listener_key
    ) as checked_at
from listening.dim_listener
where dim_listener.listener_key = :listener_key
