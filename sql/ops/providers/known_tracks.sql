-- Which of these ids are tracks in the catalogue, and whether their features have been imported before.
select
    dim_track.track_key,
    dim_track.track_id,
    track_feature.track_key is not null as is_known
from listening.dim_track
left join listening.track_feature
    on
        track_feature.track_key = dim_track.track_key
        and track_feature.provider = 'spotify_archive'
where dim_track.track_id = any(cast(:track_ids as text[]))
