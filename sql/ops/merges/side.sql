-- What a merge of listeners is about: plays, hours and rules of one, whether they are logged in, and since when a
-- recorder has watched them that has not ended.
select
    (
        select count(*)
        from listening.fact_play
        where fact_play.listener_key = :listener_key
    ) as play_count,
    (
        select coalesce(sum(play_time.best_ms), 0)::bigint
        from listening.play_time
        where play_time.listener_key = :listener_key
    ) as ms_played,
    (
        select count(*)
        from listening.exclusion
        where exclusion.listener_key = :listener_key
    ) as rule_count,
    exists (
        select 1
        from ops.login
        inner join listening.dim_listener on dim_listener.listener_key = login.listener_key
        where
            login.refused_at is null
            and coalesce(dim_listener.merged_into, dim_listener.listener_key) = :listener_key
    ) as is_logged_in,
    (
        select recorder.claimed_at
        from ops.recorder
        where
            recorder.listener_key = :listener_key
            and recorder.released_at is null
    ) as watched_since_at
