-- All decisions, with the tracks they are about; a track that is not recorded here has no name.
select
    recording_decision.decision_key,
    recording_decision.is_same,
    recording_decision.decided_at,
    recording_decision.note,
    recording_decision.track_uri,
    one.track_name,
    one_credit.artist_names,
    recording_decision.other_track_uri,
    other.track_name as other_track_name,
    other_credit.artist_names as other_artist_names
from listening.recording_decision
left join listening.dim_track as one on one.track_uri = recording_decision.track_uri
left join listening.dim_track as other on other.track_uri = recording_decision.other_track_uri
left join lateral (
    select track_credit.artist_names
    from listening.track_credit
    where track_credit.track_key = one.track_key
) as one_credit on true
left join lateral (
    select track_credit.artist_names
    from listening.track_credit
    where track_credit.track_key = other.track_key
) as other_credit on true
order by recording_decision.decision_key
