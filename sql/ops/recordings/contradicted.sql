-- The decisions that contradict the one just made: splits between what it would join, or merges that it would part.
-- Empty if all merges hold.
with broken as (
    select
        recording_decision.decision_key,
        coalesce(one.recording_key, one.track_key) as recording_key,
        coalesce(other.recording_key, other.track_key) as other_key
    from listening.recording_decision
    inner join listening.dim_track as one on one.track_uri = recording_decision.track_uri
    inner join listening.dim_track as other on other.track_uri = recording_decision.other_track_uri
    where
        recording_decision.is_same
        and coalesce(one.recording_key, one.track_key) <> coalesce(other.recording_key, other.track_key)
)
select broken.decision_key
from broken
union
select recording_decision.decision_key
from broken
inner join listening.recording_decision on not recording_decision.is_same
inner join listening.dim_track as one on one.track_uri = recording_decision.track_uri
inner join listening.dim_track as other on other.track_uri = recording_decision.other_track_uri
where
    least(coalesce(one.recording_key, one.track_key), coalesce(other.recording_key, other.track_key))
    = least(broken.recording_key, broken.other_key)
    and greatest(coalesce(one.recording_key, one.track_key), coalesce(other.recording_key, other.track_key))
    = greatest(broken.recording_key, broken.other_key)
order by decision_key
