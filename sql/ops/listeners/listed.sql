-- The listeners recorded here (null: all, else one), and how much is recorded of each. Without those who were merged
-- into another one.
select
    dim_listener.listener_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    dim_listener.is_renamed,
    dim_listener.reported_name,
    dim_listener.created_at,
    (
        select count(*)
        from listening.fact_play
        where fact_play.listener_key = dim_listener.listener_key
    ) as play_count,
    (
        select fact_play.played_at
        from listening.fact_play
        where fact_play.listener_key = dim_listener.listener_key
        order by fact_play.played_at
        limit 1
    ) as first_played_at,
    (
        select fact_play.played_at
        from listening.fact_play
        where fact_play.listener_key = dim_listener.listener_key
        order by fact_play.played_at desc
        limit 1
    ) as last_played_at,
    exists (
        select 1
        from ops.login
        inner join listening.dim_listener as account on account.listener_key = login.listener_key
        where
            coalesce(account.merged_into, account.listener_key) = dim_listener.listener_key
            and login.refused_at is null
    ) as is_logged_in
from listening.dim_listener
where
    dim_listener.merged_into is null
    and (
        dim_listener.listener_key = :listener_key
        or cast(:listener_key as integer) is null
    )
order by dim_listener.listener_key
