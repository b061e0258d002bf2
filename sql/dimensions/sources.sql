-- The sources of plays, and whether each always gives the milliseconds listened: other services, which cover nothing, leave
-- them out of some of their plays.
select
    source.source_name,
    source.ms_rank is not null and source.coverage is not null as gives_ms
from listening.source
