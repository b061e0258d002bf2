-- The recorders, how many plays the list has brought since the last flush of each that it did not see, and whether the
-- login of the listener lets it ask what plays. The login is the one of ops/logins/everyone.sql.
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
    ) as missed_count,
    (
        select login.has_player_scope
        from ops.login
        where
            login.listener_key = recorder.listener_key
            and (
                login.refresh_token_encrypted is not null
                or login.setting_fingerprint = cast(:setting_fingerprint as text)
            )
        order by
            coalesce(login.consented_at, login.first_seen_at) desc,
            login.login_key desc
        limit 1
    ) as has_player_scope
from ops.recorder
order by recorder.listener_key
