-- How far the record of each source reaches, after plays came or went that no page brought.
update ops.watermark
set played_at = reached.played_at
from (
    select
        known.listener_key,
        known.source,
        (
            select fact_play.played_at
            from listening.fact_play
            inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
            where
                fact_play.listener_key = known.listener_key
                and known.source = any(dim_play_profile.sources)
            order by fact_play.played_at desc
            limit 1
        ) as played_at
    from ops.watermark as known
    where known.listener_key = :into_listener_key
) as reached
where
    watermark.listener_key = reached.listener_key
    and watermark.source = reached.source
    and watermark.played_at is distinct from reached.played_at
