-- What was decided about a pair of tracks, if anything.
select
    recording_decision.decision_key,
    recording_decision.is_same
from listening.recording_decision
where
    recording_decision.track_uri = least(:track_uri collate "C", :other_track_uri collate "C")
    and recording_decision.other_track_uri = greatest(:track_uri collate "C", :other_track_uri collate "C")
