-- Tables for recorded tracks about which the batch says more: their plays are matched again.

create temporary table newest_track on commit drop as
select max(dim_track.track_key) as track_key
from listening.dim_track;

create temporary table tracks_to_rematch (track_key integer primary key) on commit drop;

-- Those of them that turned out to be a recording known under another id.
create temporary table linked_track (track_key integer primary key) on commit drop;
