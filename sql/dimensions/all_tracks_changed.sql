-- Look at the recording of every track again, and at the longest play of every name.
insert into changed_track (track_key)
select dim_track.track_key
from listening.dim_track
where dim_track.track_key <> 0
on conflict do nothing;

create temporary table name_to_measure on commit drop as
select dim_track.track_key
from listening.dim_track
where dim_track.track_uri like 'name:%'
