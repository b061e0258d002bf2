-- Tables for tracks about which the batch says more. changed_track: new, or named or described anew, so their recording
-- is looked at again. tracks_to_rematch: recorded ones of these, whose plays are matched again.

create temporary table if not exists newest_track on commit drop as
select max(dim_track.track_key) as track_key
from listening.dim_track;

create temporary table if not exists changed_track (track_key integer primary key) on commit drop;

create temporary table if not exists tracks_to_rematch (track_key integer primary key) on commit drop;
