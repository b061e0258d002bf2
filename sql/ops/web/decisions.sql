-- The decisions about recordings that are a listener's to take back, the latest first: their own, and where nobody else
-- is recorded those of the command.
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
left join ops.web_decision on web_decision.decision_key = recording_decision.decision_key
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
where
    (
        web_decision.listener_key = :listener_key
        or (
            web_decision.listener_key is null
            and not exists (
                select 1
                from listening.dim_listener
                where dim_listener.listener_key <> :listener_key
            )
        )
    )
    and (cast(:decision_key as integer) is null or recording_decision.decision_key = :decision_key)
order by recording_decision.decision_key desc
