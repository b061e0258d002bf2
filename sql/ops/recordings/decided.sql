-- Write a decision about a pair of tracks down.
insert into listening.recording_decision (
    track_uri,
    other_track_uri,
    is_same,
    decided_at,
    note
)
values (
    least(:track_uri collate "C", :other_track_uri collate "C"),
    greatest(:track_uri collate "C", :other_track_uri collate "C"),
    :is_same,
    :decided_at,
    :note
)
returning decision_key
