-- The player recorder. It sees each play once; observations of one recording that end, or begin, within a few seconds
-- of each other (ops.match_rule) are one play that two recorders saw, or one recorder that was started again. Where a
-- play stopped, two recorders may date its end half a minute apart; its start both know.

insert into observation_link (
    observation_number,
    other_number
)
with dated as (
    select
        near_observation.observation_number,
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
    where source.source_name = 'player'
    window recording as (
        partition by near_observation.recording_key
        order by near_observation.observed_at
    )
),
numbered as (
    select
        dated.observation_number,
        dated.recording_key,
        count(*) filter (where dated.is_apart) over (
            partition by dated.recording_key
            order by dated.observed_at
        ) as play_number
    from dated
)
select
    numbered.observation_number,
    min(numbered.observation_number) over (partition by numbered.recording_key, numbered.play_number)
from numbered;

insert into observation_link (
    observation_number,
    other_number
)
with dated as (
    select
        near_observation.observation_number,
        near_observation.recording_key,
        near_observation.started_at,
        coalesce(
            near_observation.started_at
            > lag(near_observation.started_at) over recording + match_rule.seconds * interval '1 second',
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
        source.source_name = 'player'
        and near_observation.started_at is not null
    window recording as (
        partition by near_observation.recording_key
        order by near_observation.started_at
    )
),
numbered as (
    select
        dated.observation_number,
        dated.recording_key,
        count(*) filter (where dated.is_apart) over (
            partition by dated.recording_key
            order by dated.started_at
        ) as play_number
    from dated
)
select
    numbered.observation_number,
    min(numbered.observation_number) over (partition by numbered.recording_key, numbered.play_number)
from numbered
