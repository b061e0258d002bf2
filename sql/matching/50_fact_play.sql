-- Write what differs: plays that are no more, plays that changed, new plays; and which play each observation is of.
-- Returns how many of each.

create temporary table recorded_play on commit drop as
select fact_play.*
from nearby_span
inner join listening.fact_play
    on
        fact_play.listener_key = :listener_key
        and fact_play.played_at >= nearby_span.starts_at
        and fact_play.played_at <= nearby_span.ends_at;

analyze recorded_play;

-- A play whose observations belong to another one by now was absorbed by it.
insert into ops.merged_play (
    play_key,
    listener_key,
    merged_into,
    merged_at
)
select
    recorded_play.play_key,
    recorded_play.listener_key,
    min(resolved_play.play_key),
    :now
from recorded_play
inner join near_observation on near_observation.play_key = recorded_play.play_key
inner join source_play_observation
    on source_play_observation.observation_number = near_observation.observation_number
inner join play_of_source on play_of_source.source_play_number = source_play_observation.source_play_number
inner join resolved_play on resolved_play.play_number = play_of_source.play_number
where
    not exists (
        select 1
        from resolved_play as kept
        where kept.play_key = recorded_play.play_key
    )
group by
    recorded_play.play_key,
    recorded_play.listener_key
on conflict (play_key) do nothing;

create temporary table written on commit drop as
select
    recorded_play.play_key,
    recorded_play.played_at as written_at,
    case when resolved_play.play_key is null then 'removed' else 'changed' end as change
from recorded_play
left join resolved_play on resolved_play.play_key = recorded_play.play_key
where
    resolved_play.play_key is null
    or (
        resolved_play.played_at,
        resolved_play.track_key,
        resolved_play.date_key,
        resolved_play.time_key,
        resolved_play.context_key,
        resolved_play.device_key,
        resolved_play.play_profile_key,
        resolved_play.ms_played
    ) is distinct from (
        recorded_play.played_at,
        recorded_play.track_key,
        recorded_play.date_key,
        recorded_play.time_key,
        recorded_play.context_key,
        recorded_play.device_key,
        recorded_play.play_profile_key,
        recorded_play.ms_played
    );

delete from listening.fact_play
using written
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = written.written_at
    and fact_play.play_key = written.play_key
    and written.change = 'removed';

update listening.fact_play
set
    played_at = resolved_play.played_at,
    track_key = resolved_play.track_key,
    date_key = resolved_play.date_key,
    time_key = resolved_play.time_key,
    context_key = resolved_play.context_key,
    device_key = resolved_play.device_key,
    play_profile_key = resolved_play.play_profile_key,
    ms_played = resolved_play.ms_played
from written
inner join resolved_play on resolved_play.play_key = written.play_key
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = written.written_at
    and fact_play.play_key = written.play_key
    and written.change = 'changed';

with inserted as (
    insert into listening.fact_play (
        play_key,
        listener_key,
        track_key,
        date_key,
        time_key,
        context_key,
        device_key,
        play_profile_key,
        played_at,
        ms_played,
        since_previous_ms
    )
    overriding system value
    select
        resolved_play.play_key,
        :listener_key,
        resolved_play.track_key,
        resolved_play.date_key,
        resolved_play.time_key,
        resolved_play.context_key,
        resolved_play.device_key,
        resolved_play.play_profile_key,
        resolved_play.played_at,
        resolved_play.ms_played,
        -- as far as the batch knows; 60_since_previous.sql takes the recorded plays into account
        case
            when resolved_play.played_at - lag(resolved_play.played_at) over in_time <= interval '1 day'
                then round(
                    date_part('epoch', resolved_play.played_at - lag(resolved_play.played_at) over in_time) * 1000
                )::integer
        end
    from resolved_play
    where
        not exists (
            select 1
            from recorded_play
            where recorded_play.play_key = resolved_play.play_key
        )
    window in_time as (
        order by
            resolved_play.played_at,
            resolved_play.play_key
    )
    order by
        resolved_play.played_at,
        resolved_play.play_key
    returning
        play_key,
        played_at
)
insert into written (
    play_key,
    written_at,
    change
)
select
    inserted.play_key,
    inserted.played_at,
    'added'
from inserted;

insert into listening.observation (
    listener_key,
    source_key,
    observed_at,
    track_key,
    sequence,
    play_key,
    started_at,
    ms_played,
    context_key,
    device_key,
    play_profile_key
)
select
    :listener_key,
    near_observation.source_key,
    near_observation.observed_at,
    near_observation.track_key,
    near_observation.sequence,
    resolved_play.play_key,
    near_observation.started_at,
    near_observation.ms_played,
    near_observation.context_key,
    near_observation.device_key,
    near_observation.play_profile_key
from near_observation
inner join source_play_observation
    on source_play_observation.observation_number = near_observation.observation_number
inner join play_of_source on play_of_source.source_play_number = source_play_observation.source_play_number
inner join resolved_play on resolved_play.play_number = play_of_source.play_number
where near_observation.is_new
order by
    near_observation.source_key,
    near_observation.observed_at,
    near_observation.track_key;

update listening.observation
set play_key = resolved_play.play_key
from near_observation
inner join source_play_observation
    on source_play_observation.observation_number = near_observation.observation_number
inner join play_of_source on play_of_source.source_play_number = source_play_observation.source_play_number
inner join resolved_play on resolved_play.play_number = play_of_source.play_number
where
    not near_observation.is_new
    and near_observation.play_key is distinct from resolved_play.play_key
    and observation.listener_key = :listener_key
    and observation.source_key = near_observation.source_key
    and observation.observed_at = near_observation.observed_at
    and observation.track_key = near_observation.track_key
    and observation.sequence = near_observation.sequence;

select
    (select count(*)::integer from resolved_play) as play_count,
    count(*) filter (where written.change = 'added')::integer as added_count,
    count(*) filter (where written.change = 'removed')::integer as removed_count,
    count(*) filter (where written.change = 'changed')::integer as changed_count
from written
