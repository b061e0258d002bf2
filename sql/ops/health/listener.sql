-- How far the record of each listener reaches.
select
    dim_listener.listener_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    dim_listener.time_zone,
    watermark.checked_at,
    watermark.played_at as recorded_until,
    watermark.window_starts_at,
    (
        select max(fact_play.played_at)
        from listening.fact_play
        where fact_play.listener_key = dim_listener.listener_key
    ) as last_played_at
from listening.dim_listener
left join ops.watermark
    on
        watermark.listener_key = dim_listener.listener_key
        and watermark.source = 'recently_played'
order by dim_listener.listener_key
