-- Look at the recording of every track again.
insert into changed_track (track_key)
select dim_track.track_key
from listening.dim_track
where dim_track.track_key <> 0
on conflict do nothing
