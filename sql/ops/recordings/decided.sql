-- Write a decision about a pair of tracks down. Its number follows the highest in use, or that it takes the place of: a
-- sequence would count decisions that are only tried, or refused. To be run under the lock of locked.sql.
insert into listening.recording_decision (
    decision_key,
    track_uri,
    other_track_uri,
    is_same,
    decided_at,
    note
)
overriding system value
select
    greatest(
        (select max(recording_decision.decision_key) from listening.recording_decision),
        cast(:replaced as integer),
        0
    ) + 1,
    least(:track_uri collate "C", :other_track_uri collate "C"),
    greatest(:track_uri collate "C", :other_track_uri collate "C"),
    :is_same,
    :decided_at,
    :note
returning decision_key
