-- The listeners whose plays are to be derived anew (null: all), and how much is recorded of each.
select
    dim_listener.listener_key,
    dim_listener.listener_id,
    dim_listener.listener_name,
    (
        select count(*)
        from listening.observation
        where observation.listener_key = dim_listener.listener_key
    ) as observation_count,
    (
        select count(*)
        from listening.fact_play
        where fact_play.listener_key = dim_listener.listener_key
    ) as play_count
from listening.dim_listener
where
    dim_listener.merged_into is null
    and (
        dim_listener.listener_key = :listener_key
        or cast(:listener_key as integer) is null
    )
order by dim_listener.listener_key
