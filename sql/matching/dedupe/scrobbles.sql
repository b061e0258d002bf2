-- Other services: Last.fm, ListenBrainz, Maloja, Koito. What one of them lists twice of a recording within seconds
-- (ops.match_rule) was sent twice, because nothing can be heard half through so often; or ListenBrainz, which asks
-- Spotify's list now and then, saw a play that was dated anew between two visits.

insert into observation_link (
    observation_number,
    other_number
)
with dated as (
    select
        near_observation.observation_number,
        near_observation.source_key,
        near_observation.recording_key,
        near_observation.observed_at,
        coalesce(
            near_observation.observed_at
            > lag(near_observation.observed_at) over recording + match_rule.seconds * interval '1 second',
            false
        ) as is_apart
    from near_observation
    inner join listening.source on source.source_key = near_observation.source_key
    inner join ops.match_rule
        on
            match_rule.tier = 0
            and match_rule.source_key = near_observation.source_key
            and match_rule.other_source_key = near_observation.source_key
    where
        source.dates = 'start'
        or source.source_name = 'listenbrainz_spotify'
    window recording as (
        partition by near_observation.source_key, near_observation.recording_key
        order by near_observation.observed_at
    )
),
numbered as (
    select
        dated.observation_number,
        dated.source_key,
        dated.recording_key,
        count(*) filter (where dated.is_apart) over (
            partition by dated.source_key, dated.recording_key
            order by dated.observed_at
        ) as play_number
    from dated
)
select
    numbered.observation_number,
    min(numbered.observation_number) over (
        partition by numbered.source_key, numbered.recording_key, numbered.play_number
    )
from numbered
