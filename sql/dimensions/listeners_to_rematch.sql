-- Other listeners with observations of tracks about which the batch says more: whatever source they are from, they may
-- be matched differently by now.
select distinct observation.listener_key
from listening.observation
where
    exists (select 1 from tracks_to_rematch)
    and observation.listener_key <> :but_not
    and observation.track_key in (select tracks_to_rematch.track_key from tracks_to_rematch)
order by observation.listener_key
