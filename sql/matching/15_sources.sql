-- The sources that have observations at hand, and the file that says what of each is one play: those of other services
-- share one. is_merged: the listener was merged into another one, and has no plays of their own.
select
    source.source_key,
    source.source_name,
    case
        when source.dates = 'start' or source.source_name = 'listenbrainz_spotify' then 'scrobbles'
        else source.source_name
    end as dedupe_file,
    (
        select dim_listener.merged_into is not null
        from listening.dim_listener
        where dim_listener.listener_key = :listener_key
    ) as is_merged
from listening.source
where exists (select 1 from near_observation where near_observation.source_key = source.source_key)
order by source.source_key
