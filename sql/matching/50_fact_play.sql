-- Write what differs: plays that are no more, plays that changed, new plays; and which play each observation is of.
-- Returns how many of each. What since_previous_ms of the first play of a span is, 60_since_previous.sql finds.

create temporary table recorded_play on commit drop as
select
    fact_play.play_key,
    fact_play.played_at as recorded_at,
    resolved_play.play_key is null as is_removed,
    resolved_play.played_at <> fact_play.played_at
    or resolved_play.track_key <> fact_play.track_key
    or resolved_play.date_key <> fact_play.date_key
    or resolved_play.time_key <> fact_play.time_key
    or resolved_play.context_key <> fact_play.context_key
    or resolved_play.device_key <> fact_play.device_key
    or resolved_play.play_profile_key <> fact_play.play_profile_key
    or coalesce(resolved_play.ms_played, -1) <> coalesce(fact_play.ms_played, -1) as is_changed,
    not resolved_play.is_first
    and coalesce(resolved_play.since_previous_ms, -1) <> coalesce(fact_play.since_previous_ms, -1) as is_spaced_anew
from nearby_span
inner join listening.fact_play
    on
        fact_play.listener_key = :listener_key
        and fact_play.played_at >= nearby_span.starts_at
        and fact_play.played_at <= nearby_span.ends_at
left join resolved_play on resolved_play.play_key = fact_play.play_key;

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
    cast(:listener_key as integer),
    min(resolved_play.play_key),
    :now
from recorded_play
inner join near_observation on near_observation.play_key = recorded_play.play_key
left join play_member on play_member.source_play_number = near_observation.source_play_number
inner join resolved_play
    on resolved_play.play_number = coalesce(play_member.play_number, near_observation.source_play_number)
where recorded_play.is_removed
group by recorded_play.play_key
on conflict (play_key) do nothing;

delete from listening.fact_play
using recorded_play
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = recorded_play.recorded_at
    and fact_play.play_key = recorded_play.play_key
    and recorded_play.is_removed;

update listening.fact_play
set
    played_at = resolved_play.played_at,
    track_key = resolved_play.track_key,
    date_key = resolved_play.date_key,
    time_key = resolved_play.time_key,
    context_key = resolved_play.context_key,
    device_key = resolved_play.device_key,
    play_profile_key = resolved_play.play_profile_key,
    ms_played = resolved_play.ms_played,
    since_previous_ms = case
        when resolved_play.is_first then fact_play.since_previous_ms
        else resolved_play.since_previous_ms
    end
from recorded_play
inner join resolved_play on resolved_play.play_key = recorded_play.play_key
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = recorded_play.recorded_at
    and fact_play.play_key = recorded_play.play_key
    and (recorded_play.is_changed or recorded_play.is_spaced_anew)
    and not recorded_play.is_removed;

create temporary table added_play on commit drop as
select resolved_play.play_key
from resolved_play
where
    not exists (
        select 1
        from recorded_play
        where recorded_play.play_key = resolved_play.play_key
    );

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
    resolved_play.since_previous_ms
from added_play
inner join resolved_play on resolved_play.play_key = added_play.play_key
order by resolved_play.place;

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
    play_profile_key,
    import_set_key
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
    near_observation.play_profile_key,
    near_observation.import_set_key
from near_observation
left join play_member on play_member.source_play_number = near_observation.source_play_number
inner join resolved_play
    on resolved_play.play_number = coalesce(play_member.play_number, near_observation.source_play_number)
where near_observation.is_new
order by
    near_observation.source_key,
    near_observation.observed_at,
    near_observation.track_key;

update listening.observation
set play_key = resolved_play.play_key
from near_observation
left join play_member on play_member.source_play_number = near_observation.source_play_number
inner join resolved_play
    on resolved_play.play_number = coalesce(play_member.play_number, near_observation.source_play_number)
where
    not near_observation.is_new
    and near_observation.play_key is distinct from resolved_play.play_key
    and observation.listener_key = :listener_key
    and observation.source_key = near_observation.source_key
    and observation.observed_at = near_observation.observed_at
    and observation.track_key = near_observation.track_key
    and observation.sequence = near_observation.sequence;

-- What came with a merge of listeners needs it no longer, once the listener's own list or recorder says it.
update listening.observation
set import_set_key = null
from batch_observation
where
    batch_observation.import_set_key is null
    and batch_observation.recorded_set_key is not null
    and observation.listener_key = :listener_key
    and observation.source_key = batch_observation.source_key
    and observation.observed_at = batch_observation.observed_at
    and observation.track_key = batch_observation.track_key
    and observation.sequence = batch_observation.recorded_sequence;

select
    (select count(*)::integer from resolved_play) as play_count,
    (select count(*)::integer from added_play) as added_count,
    count(*) filter (where recorded_play.is_removed)::integer as removed_count,
    count(*) filter (where recorded_play.is_changed and not recorded_play.is_removed)::integer as changed_count
from recorded_play
