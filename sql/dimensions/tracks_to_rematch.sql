-- Tracks known before the batch that it tells more of: plays that names or lengths decided about are looked at again.

create temporary table newest_track on commit drop as
select max(dim_track.track_key) as track_key
from listening.dim_track;

create temporary table changed_track (track_key integer primary key) on commit drop;

-- Of these, the ones that turned out to be a recording known under another id.
create temporary table linked_track (track_key integer primary key) on commit drop;
