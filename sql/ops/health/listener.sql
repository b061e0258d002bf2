-- How far the record of each listener reaches, with what was asked of those who were merged into them.
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
left join lateral (
    select
        watermark.checked_at,
        watermark.played_at,
        watermark.window_starts_at
    from ops.watermark
    inner join listening.source on source.source_name = watermark.source
    inner join listening.dim_listener as account on account.listener_key = watermark.listener_key
    where
        dim_listener.listener_key in (account.listener_key, account.merged_into)
        and source.coverage = 'window'
    order by watermark.checked_at desc
    limit 1
) as watermark on true
where dim_listener.merged_into is null
order by dim_listener.listener_key
