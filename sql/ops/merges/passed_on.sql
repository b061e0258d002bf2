-- After the merge of a page: what the list of a merged listener says belongs to their own record, too (set_key null), and
-- to that of each who was merged on (set_key, content_key: what stands there for the merge before). New observations are
-- added; those that are there for other reasons get this one more.
insert into ops.import_set (
    listener_key,
    content_keys
)
select distinct
    cast(:listener_key as integer),
    together.content_keys
from batch_observation
inner join listening.observation
    on
        observation.listener_key = :listener_key
        and observation.source_key = batch_observation.source_key
        and observation.observed_at = batch_observation.observed_at
        and observation.track_key = batch_observation.track_key
inner join ops.import_set as known on known.import_set_key = observation.import_set_key
cross join lateral (
    select
        array(
            select distinct key
            from unnest(known.content_keys || cast(:content_key as integer)) as every (key)
            order by key
        ) as content_keys
) as together
where cast(:content_key as integer) is not null
on conflict do nothing;

update listening.observation
set import_set_key = case when cast(:content_key as integer) is not null then wanted.import_set_key end
from batch_observation
cross join ops.import_set as known
left join ops.import_set as wanted
    on
        wanted.content_keys = array(
            select distinct key
            from unnest(known.content_keys || cast(:content_key as integer)) as every (key)
            order by key
        )
where
    observation.listener_key = :listener_key
    and observation.source_key = batch_observation.source_key
    and observation.observed_at = batch_observation.observed_at
    and observation.track_key = batch_observation.track_key
    and observation.started_at is not distinct from batch_observation.started_at
    and observation.ms_played is not distinct from batch_observation.ms_played
    and observation.context_key = batch_observation.context_key
    and observation.device_key = batch_observation.device_key
    and observation.play_profile_key = batch_observation.play_profile_key
    and known.import_set_key = observation.import_set_key
    and not coalesce(cast(:content_key as integer) = any(known.content_keys), false);

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
    said.source_key,
    said.observed_at,
    said.track_key,
    coalesce(highest.sequence, -1) + row_number() over (
        partition by
            said.source_key,
            said.observed_at,
            said.track_key
        order by said.item_number
    ),
    nextval((select pg_get_serial_sequence('listening.fact_play', 'play_key')::regclass)),
    said.started_at,
    said.ms_played,
    said.context_key,
    said.device_key,
    said.play_profile_key,
    :set_key
from (
    select
        batch_observation.source_key,
        batch_observation.observed_at,
        batch_observation.track_key,
        batch_observation.started_at,
        batch_observation.ms_played,
        batch_observation.context_key,
        batch_observation.device_key,
        batch_observation.play_profile_key,
        min(batch_observation.item_number) as item_number
    from batch_observation
    group by
        batch_observation.source_key,
        batch_observation.observed_at,
        batch_observation.track_key,
        batch_observation.started_at,
        batch_observation.ms_played,
        batch_observation.context_key,
        batch_observation.device_key,
        batch_observation.play_profile_key
) as said
cross join lateral (
    select max(observation.sequence) as sequence
    from listening.observation
    where
        observation.listener_key = :listener_key
        and observation.source_key = said.source_key
        and observation.observed_at = said.observed_at
        and observation.track_key = said.track_key
) as highest
where
    not exists (
        select 1
        from listening.observation
        where
            observation.listener_key = :listener_key
            and observation.source_key = said.source_key
            and observation.observed_at = said.observed_at
            and observation.track_key = said.track_key
            and observation.started_at is not distinct from said.started_at
            and observation.ms_played is not distinct from said.ms_played
            and observation.context_key = said.context_key
            and observation.device_key = said.device_key
            and observation.play_profile_key = said.play_profile_key
    )
