-- The URI of a track.
select dim_track.track_uri
from listening.dim_track
where dim_track.track_key = :track_key
