-- The sources that have observations at hand.
select
    source.source_key,
    source.source_name
from listening.source
where exists (select 1 from near_observation where near_observation.source_key = source.source_key)
order by source.source_key
