-- Which warehouse this is, since when a copy into it runs, and whether it holds more than the schema brings.
select
    warehouse.warehouse_id,
    warehouse.made_at,
    warehouse.copy_started_at,
    (
        exists (select 1 from listening.dim_listener)
        or exists (select 1 from listening.dim_track where dim_track.track_key > 0)
        or exists (select 1 from listening.fact_play)
        or exists (select 1 from ops.login)
        or exists (select 1 from ops.run)
    ) as is_filled
from ops.warehouse
