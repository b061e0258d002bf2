-- Listeners for whom polls of the list have found nothing new for a week or more: since when, and their longest silence
-- in the year before. Only where the record is long enough to tell what is usual.
select
    asked.listener_key,
    asked.played_at,
    asked.checked_at,
    date_part('epoch', usual.longest) as longest_s,
    usual.play_count,
    date_part('epoch', usual.span) as span_s
from (
    select
        polled.listener_key,
        polled.checked_at,
        (
            select max(fact_play.played_at)
            from listening.fact_play
            where fact_play.listener_key = polled.listener_key
        ) as played_at
    from (
        -- of a listener and of those who were merged into them
        select
            coalesce(dim_listener.merged_into, watermark.listener_key) as listener_key,
            max(watermark.checked_at) as checked_at
        from ops.watermark
        inner join listening.source on source.source_name = watermark.source
        left join listening.dim_listener on dim_listener.listener_key = watermark.listener_key
        where source.coverage = 'window'
        group by coalesce(dim_listener.merged_into, watermark.listener_key)
    ) as polled
) as asked
cross join lateral (
    select
        max(spaced.silence) as longest,
        count(*) as play_count,
        sum(spaced.silence) as span
    from (
        select
            fact_play.played_at - lag(fact_play.played_at) over (order by fact_play.played_at) as silence
        from listening.fact_play
        where
            asked.checked_at - asked.played_at >= cast(:shortest as interval)
            and fact_play.listener_key = asked.listener_key
            and fact_play.played_at > asked.played_at - interval '365 days'
    ) as spaced
) as usual
where asked.checked_at - asked.played_at >= cast(:shortest as interval)
