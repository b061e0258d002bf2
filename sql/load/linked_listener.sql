-- Who has plays of tracks that this batch found to be one recording.
select distinct fact_play.listener_key
from listening.fact_play
where
    exists (select 1 from linked_track)
    and fact_play.track_key in (select linked_track.track_key from linked_track)
order by fact_play.listener_key
