-- From where a listener played something: by URI or id, or by name. The exact one first, then the most used.
select
    dim_context.context_key as found_key,
    coalesce(dim_context.context_name, dim_context.context_uri) as found_name,
    dim_context.context_type as by_whom,
    dim_context.context_uri as found_id,
    dim_context.context_uri = :wanted
    or coalesce(split_part(dim_context.context_uri, ':', 3) = :wanted_id, false)
    or coalesce(listening.folded(dim_context.context_name) = listening.folded(:wanted), false) as is_exact
from (
    select
        fact_play.context_key,
        count(*) as play_count
    from listening.fact_play
    where
        fact_play.listener_key = :listener_key
        and fact_play.context_key > 0
    group by fact_play.context_key
) as played
inner join listening.dim_context on dim_context.context_key = played.context_key
where
    dim_context.context_uri = :wanted
    or split_part(dim_context.context_uri, ':', 3) = :wanted_id
    or strpos(
        listening.folded(coalesce(dim_context.context_name, dim_context.context_uri)), listening.folded(:wanted)
    ) > 0
order by
    is_exact desc,
    played.play_count desc,
    found_key
limit :row_limit
