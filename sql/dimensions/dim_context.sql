-- Insert contexts of the batch that are new.

insert into listening.dim_context (
    context_uri,
    context_type
)
select
    staging_play.context_uri,
    min(staging_play.context_type)
from staging_play
where
    staging_play.context_uri is not null
    and not exists (
        select 1
        from listening.dim_context
        where dim_context.context_uri = staging_play.context_uri
    )
group by staging_play.context_uri
order by staging_play.context_uri
on conflict do nothing;
