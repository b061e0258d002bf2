-- The tracks of a decision: their recordings are looked at again.
insert into changed_track (track_key)
select dim_track.track_key
from listening.dim_track
where dim_track.track_uri = any(:track_uris)
on conflict do nothing
