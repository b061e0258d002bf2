-- Which of these ids are tracks in the catalogue.
select
    dim_track.track_key,
    dim_track.track_id
from listening.dim_track
where dim_track.track_id = any(cast(:track_ids as text[]))
