-- The sources of plays, and whether each gives the milliseconds listened.
select
    source.source_name,
    source.ms_rank is not null as gives_ms
from listening.source
