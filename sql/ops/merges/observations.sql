-- Copy the observations of one listener to another. What both have is kept once: if an import is the reason why it is
-- there, the merge becomes one reason more; what the other's own list or recorder says needs none.
--
-- Where one of the two has observations of a moment that were carried over from an older program (sequence below zero),
-- they may be those of the other in another form: then the moment stays as it is.
create temporary table merged_observation on commit drop as
select
    own.source_key,
    own.observed_at,
    own.track_key,
    own.sequence as own_sequence,
    own.play_key as own_play_key,
    own.started_at,
    own.ms_played,
    own.context_key,
    own.device_key,
    own.play_profile_key,
    coalesce(source.coverage, 'none') not in ('window', 'watched') as is_imported,
    same.sequence as same_sequence,
    same.import_set_key as same_set_key
from listening.observation as own
inner join listening.source on source.source_key = own.source_key
left join listening.observation as same
    on
        same.listener_key = :into_listener_key
        and same.source_key = own.source_key
        and same.observed_at = own.observed_at
        and same.track_key = own.track_key
        and same.started_at is not distinct from own.started_at
        and same.ms_played is not distinct from own.ms_played
        and same.context_key = own.context_key
        and same.device_key = own.device_key
        and same.play_profile_key = own.play_profile_key
where
    own.listener_key = :listener_key
    and (
        same.sequence is not null
        or not exists (
            select 1
            from listening.observation as beside
            where
                beside.listener_key = :into_listener_key
                and beside.source_key = own.source_key
                and beside.observed_at = own.observed_at
                and beside.track_key = own.track_key
                and least(beside.sequence, own.sequence) < 0
        )
    );

analyze merged_observation;

create temporary table merged_set on commit drop as
select
    met.same_set_key,
    array(
        select distinct key
        from unnest(coalesce(import_set.content_keys, earlier.content_keys) || cast(:content_key as integer))
            as every (key)
        order by key
    ) as content_keys
from (
    select distinct merged_observation.same_set_key
    from merged_observation
    where
        merged_observation.same_sequence is not null
        and (merged_observation.same_set_key is not null or merged_observation.is_imported)
) as met
left join ops.import_set on import_set.import_set_key = met.same_set_key
-- a row that no import is known to report may come from any before contents were kept
cross join (
    select array_agg(import_content.import_content_key) as content_keys
    from ops.import_content
    where
        import_content.listener_key = :into_listener_key
        and import_content.is_earlier
) as earlier
where
    met.same_set_key is not null
    or earlier.content_keys is not null;

insert into ops.import_set (
    listener_key,
    content_keys
)
select
    :into_listener_key,
    merged_set.content_keys
from merged_set
on conflict do nothing;

update listening.observation
set import_set_key = import_set.import_set_key
from merged_observation
inner join merged_set on merged_set.same_set_key is not distinct from merged_observation.same_set_key
inner join ops.import_set on import_set.content_keys = merged_set.content_keys
where
    (merged_observation.same_set_key is not null or merged_observation.is_imported)
    and observation.listener_key = :into_listener_key
    and observation.source_key = merged_observation.source_key
    and observation.observed_at = merged_observation.observed_at
    and observation.track_key = merged_observation.track_key
    and observation.sequence = merged_observation.same_sequence;

-- Keys of plays are never those of two listeners.
create temporary table merged_play_key on commit drop as
select
    met.own_play_key,
    nextval((select pg_get_serial_sequence('listening.fact_play', 'play_key')::regclass)) as play_key
from (
    select distinct merged_observation.own_play_key
    from merged_observation
    where merged_observation.same_sequence is null
) as met;

create temporary table copied_observation on commit drop as
select
    merged_observation.source_key,
    merged_observation.observed_at,
    merged_observation.track_key,
    merged_observation.own_sequence,
    merged_play_key.play_key,
    merged_observation.started_at,
    merged_observation.ms_played,
    merged_observation.context_key,
    merged_observation.device_key,
    merged_observation.play_profile_key,
    case
        when merged_observation.own_sequence < 0 then merged_observation.own_sequence
        else
            coalesce(highest.sequence, -1) + row_number() over (
                partition by
                    merged_observation.source_key,
                    merged_observation.observed_at,
                    merged_observation.track_key,
                    merged_observation.own_sequence < 0
                order by merged_observation.own_sequence
            )
    end::smallint as sequence
from merged_observation
inner join merged_play_key on merged_play_key.own_play_key = merged_observation.own_play_key
cross join lateral (
    select max(observation.sequence) as sequence
    from listening.observation
    where
        observation.listener_key = :into_listener_key
        and observation.source_key = merged_observation.source_key
        and observation.observed_at = merged_observation.observed_at
        and observation.track_key = merged_observation.track_key
) as highest
where merged_observation.same_sequence is null;

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
    :into_listener_key,
    copied_observation.source_key,
    copied_observation.observed_at,
    copied_observation.track_key,
    copied_observation.sequence,
    copied_observation.play_key,
    copied_observation.started_at,
    copied_observation.ms_played,
    copied_observation.context_key,
    copied_observation.device_key,
    copied_observation.play_profile_key,
    :set_key
from copied_observation
order by
    copied_observation.source_key,
    copied_observation.observed_at,
    copied_observation.track_key;

insert into listening.player_observation (
    observed_at,
    listener_key,
    track_key,
    sequence,
    start_basis,
    end_basis,
    start_within_ms,
    end_within_ms,
    ms_within,
    progress_ms,
    pause_count,
    seek_count,
    device_change_count,
    is_complete,
    is_smart_shuffle,
    repeat_mode
)
select
    player_observation.observed_at,
    :into_listener_key,
    player_observation.track_key,
    copied_observation.sequence,
    player_observation.start_basis,
    player_observation.end_basis,
    player_observation.start_within_ms,
    player_observation.end_within_ms,
    player_observation.ms_within,
    player_observation.progress_ms,
    player_observation.pause_count,
    player_observation.seek_count,
    player_observation.device_change_count,
    player_observation.is_complete,
    player_observation.is_smart_shuffle,
    player_observation.repeat_mode
from copied_observation
inner join listening.source on source.source_key = copied_observation.source_key
inner join listening.player_observation
    on
        player_observation.listener_key = :listener_key
        and player_observation.observed_at = copied_observation.observed_at
        and player_observation.track_key = copied_observation.track_key
        and player_observation.sequence = copied_observation.own_sequence
where source.source_name = 'player'
on conflict do nothing
