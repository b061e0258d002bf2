-- Before everything of some listeners is deleted: the contents of their imports, and the tracks known by name alone that
-- they played, for ops/undo/forgotten.sql and dimensions/longest_plays.sql.
create temporary table dying_content on commit drop as
select import_content.import_content_key
from ops.import_content
where import_content.listener_key = any(cast(:listener_keys as integer[]));

create temporary table name_to_measure on commit drop as
select distinct dim_track.track_key
from listening.observation
inner join listening.dim_track on dim_track.track_key = observation.track_key
where
    observation.listener_key = any(cast(:listener_keys as integer[]))
    and dim_track.track_uri like 'name:%'
