-- A context, such as a playlist, from which the listener has played something. No row: never.
select
    dim_context.context_key as key,
    dim_context.context_name as name,
    dim_context.context_type,
    dim_context.context_uri,
    listening.spotify_url(dim_context.context_uri) as url
from listening.dim_context
where
    dim_context.context_key = :key
    and dim_context.context_key > 0
    and exists (
        select 1
        from listening.fact_play
        where
            fact_play.listener_key = :listener_key
            and fact_play.context_key = dim_context.context_key
    )
