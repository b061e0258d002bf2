-- How far the record of a listener reaches, after the merge.

insert into ops.watermark (
    listener_key,
    source,
    played_at,
    checked_at,
    window_starts_at
)
select
    :listener_key,
    :source,
    (
        select fact_play.played_at
        from listening.fact_play
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
        where
            fact_play.listener_key = :record_key
            and :source = any(dim_play_profile.sources)
        order by fact_play.played_at desc
        limit 1
    ),
    :checked_at,
    (select min(batch_observation.observed_at) from batch_observation)
on conflict (listener_key, source) do update
set
    played_at = excluded.played_at,
    checked_at = greatest(watermark.checked_at, excluded.checked_at),
    window_starts_at = coalesce(excluded.window_starts_at, watermark.window_starts_at)
returning played_at;
