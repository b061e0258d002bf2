-- What of the batch is not recorded yet, each different thing once. A thing said again, in this batch or another, is no
-- new observation: so importing a file again changes nothing. `sequence` tells observations of one source, date and
-- track apart, which are few.

create temporary table crowded_moment on commit drop as
select
    batch_observation.source_key,
    batch_observation.track_key,
    batch_observation.observed_at,
    0 as next_sequence
from batch_observation
where batch_observation.recorded_play_key is null
group by
    batch_observation.source_key,
    batch_observation.track_key,
    batch_observation.observed_at
having count(*) > 1;

insert into crowded_moment (
    source_key,
    track_key,
    observed_at,
    next_sequence
)
select
    batch_observation.source_key,
    batch_observation.track_key,
    batch_observation.observed_at,
    max(observation.sequence) + 1
from batch_observation
inner join listening.observation
    on
        observation.listener_key = :listener_key
        and observation.source_key = batch_observation.source_key
        and observation.observed_at = batch_observation.observed_at
        and observation.track_key = batch_observation.track_key
where batch_observation.recorded_play_key is null
group by
    batch_observation.source_key,
    batch_observation.track_key,
    batch_observation.observed_at;

create temporary table new_observation on commit drop as
select
    batch_observation.source_key,
    batch_observation.track_key,
    batch_observation.observed_at,
    batch_observation.started_at,
    batch_observation.ms_played,
    batch_observation.context_key,
    batch_observation.device_key,
    batch_observation.play_profile_key,
    batch_observation.item_number,
    0::smallint as sequence
from batch_observation
where
    batch_observation.recorded_play_key is null
    and not exists (
        select 1
        from crowded_moment
        where
            crowded_moment.source_key = batch_observation.source_key
            and crowded_moment.track_key = batch_observation.track_key
            and crowded_moment.observed_at = batch_observation.observed_at
    );

insert into new_observation (
    source_key,
    track_key,
    observed_at,
    started_at,
    ms_played,
    context_key,
    device_key,
    play_profile_key,
    item_number,
    sequence
)
select
    once.source_key,
    once.track_key,
    once.observed_at,
    once.started_at,
    once.ms_played,
    once.context_key,
    once.device_key,
    once.play_profile_key,
    once.item_number,
    (
        once.next_sequence - 1 + row_number() over (
            partition by once.source_key, once.observed_at, once.track_key
            order by once.item_number
        )
    )::smallint as sequence
from (
    select
        batch_observation.source_key,
        batch_observation.track_key,
        batch_observation.observed_at,
        batch_observation.started_at,
        batch_observation.ms_played,
        batch_observation.context_key,
        batch_observation.device_key,
        batch_observation.play_profile_key,
        min(batch_observation.item_number) as item_number,
        moment.next_sequence
    from (
        select
            crowded_moment.source_key,
            crowded_moment.track_key,
            crowded_moment.observed_at,
            max(crowded_moment.next_sequence) as next_sequence
        from crowded_moment
        group by
            crowded_moment.source_key,
            crowded_moment.track_key,
            crowded_moment.observed_at
    ) as moment
    inner join batch_observation
        on
            batch_observation.source_key = moment.source_key
            and batch_observation.track_key = moment.track_key
            and batch_observation.observed_at = moment.observed_at
    where batch_observation.recorded_play_key is null
    group by
        batch_observation.source_key,
        batch_observation.track_key,
        batch_observation.observed_at,
        batch_observation.started_at,
        batch_observation.ms_played,
        batch_observation.context_key,
        batch_observation.device_key,
        batch_observation.play_profile_key,
        moment.next_sequence
) as once;

analyze new_observation;
