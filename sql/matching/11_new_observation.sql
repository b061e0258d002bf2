-- What of the batch is not recorded yet, each different thing once. A thing said again, in this batch or another, is no
-- new observation: so importing a file again changes nothing.

create temporary table batch_said on commit drop as
select
    batch_observation.item_number,
    batch_observation.file_number,
    batch_observation.source_key,
    observation.sequence as recorded_sequence,
    observation.play_key as recorded_play_key,
    batch_observation.track_key,
    batch_observation.observed_at,
    batch_observation.started_at,
    batch_observation.ms_played,
    batch_observation.context_key,
    batch_observation.device_key,
    batch_observation.play_profile_key
from batch_observation
left join listening.observation
    on
        observation.listener_key = :listener_key
        and observation.source_key = batch_observation.source_key
        and observation.observed_at = batch_observation.observed_at
        and observation.track_key = batch_observation.track_key
        and observation.started_at is not distinct from batch_observation.started_at
        and observation.ms_played is not distinct from batch_observation.ms_played
        and observation.context_key = batch_observation.context_key
        and observation.device_key = batch_observation.device_key
        and observation.play_profile_key = batch_observation.play_profile_key;

create temporary table new_observation on commit drop as
select
    once.*,
    (
        row_number() over (
            partition by once.source_key, once.observed_at, once.track_key
            order by once.item_number
        ) - 1 + coalesce(
            (
                select max(observation.sequence) + 1
                from listening.observation
                where
                    observation.listener_key = :listener_key
                    and observation.source_key = once.source_key
                    and observation.observed_at = once.observed_at
                    and observation.track_key = once.track_key
            ),
            0
        )
    )::smallint as sequence
from (
    select
        batch_said.source_key,
        batch_said.track_key,
        batch_said.observed_at,
        batch_said.started_at,
        batch_said.ms_played,
        batch_said.context_key,
        batch_said.device_key,
        batch_said.play_profile_key,
        min(batch_said.item_number) as item_number
    from batch_said
    where batch_said.recorded_sequence is null
    group by
        batch_said.source_key,
        batch_said.track_key,
        batch_said.observed_at,
        batch_said.started_at,
        batch_said.ms_played,
        batch_said.context_key,
        batch_said.device_key,
        batch_said.play_profile_key
) as once;

analyze new_observation;
