-- Other listeners with observations of tracks about which the batch says more: whatever source they are from, they may
-- be matched differently by now. One who was merged into another has no plays of their own.
select distinct observation.listener_key
from listening.observation
inner join listening.dim_listener on dim_listener.listener_key = observation.listener_key
where
    dim_listener.merged_into is null
    and exists (select 1 from tracks_to_rematch)
    and observation.listener_key <> :but_not
    and observation.track_key in (select tracks_to_rematch.track_key from tracks_to_rematch)
order by observation.listener_key
