-- Take a decision back.
delete from listening.recording_decision
where recording_decision.decision_key = :decision_key
returning
    track_uri,
    other_track_uri,
    is_same
