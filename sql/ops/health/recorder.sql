-- The recorders, and how many plays the list has brought since the last flush of each that it did not see.
select
    recorder.listener_key,
    recorder.holder_id,
    recorder.host_name,
    recorder.claimed_at,
    recorder.flushed_at,
    recorder.answered_at,
    recorder.call_count,
    recorder.call_date,
    recorder.refused_count,
    recorder.released_at,
    (
        select count(*)::integer
        from listening.fact_play
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
        where
            fact_play.listener_key = recorder.listener_key
            and fact_play.played_at > coalesce(recorder.flushed_at, recorder.claimed_at) + interval '1 hour'
            and 'recently_played' = any(dim_play_profile.sources)
            and not 'player' = any(dim_play_profile.sources)
    ) as missed_count
from ops.recorder
order by recorder.listener_key
