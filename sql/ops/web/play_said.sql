-- What each source said of a play of the listener, one row an observation; the source that dates plays best first.
select
    source.source_name,
    source.dates,
    source.precision_s,
    observation.observed_at,
    observation.started_at,
    observation.ms_played,
    dim_track.track_name,
    dim_track.track_uri,
    dim_context.context_uri,
    coalesce(dim_device.device_name, dim_device.platform) as device_name,
    dim_play_profile.reason_start,
    dim_play_profile.reason_end
from listening.observation
inner join listening.source on source.source_key = observation.source_key
inner join listening.dim_track on dim_track.track_key = observation.track_key
inner join listening.dim_context on dim_context.context_key = observation.context_key
inner join listening.dim_device on dim_device.device_key = observation.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = observation.play_profile_key
where
    observation.listener_key = :listener_key
    and observation.play_key = :play_key
order by
    source.date_rank,
    observation.observed_at,
    observation.sequence
