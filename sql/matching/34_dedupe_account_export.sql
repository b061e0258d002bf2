-- Source plays of the account export. It is the extended export cut to the minute, without ids, and a set: rows equal
-- in minute, names and milliseconds appear once. What it reported before has left the batch already
-- (11_already_recorded.sql).

create temporary table minuted_play on commit drop as
select
    (row_number() over ())::integer
    + (select coalesce(max(source_play.source_play_number), 0) from source_play) as source_play_number,
    observation.*
from (
    select
        recorded_observation.track_key,
        recorded_observation.recording_key,
        recorded_observation.observed_at,
        recorded_observation.ms_played,
        null::integer as item_number,
        null::integer as file_number,
        recorded_observation.play_key,
        recorded_observation.is_primary
    from recorded_observation
    where recorded_observation.source = 'account_export'
    union all
    select
        min(batch_observation.track_key),
        min(batch_observation.recording_key),
        batch_observation.observed_at,
        batch_observation.ms_played,
        min(batch_observation.item_number),
        min(batch_observation.file_number),
        null,
        false
    from batch_observation
    left join (
        select
            track_alias.track_key,
            min(track_alias.name_hash::text) as name_hash
        from listening.track_alias
        where track_alias.track_key in (
            select observation.track_key
            from batch_observation as observation
            where observation.source = 'account_export'
        )
        group by track_alias.track_key
    ) as named on named.track_key = batch_observation.track_key
    where batch_observation.source = 'account_export'
    group by
        batch_observation.observed_at,
        batch_observation.ms_played,
        batch_observation.track_key = 0,
        coalesce(named.name_hash, batch_observation.track_key::text)
) as observation;

insert into source_play (
    source_play_number,
    source,
    track_key,
    recording_key,
    has_id,
    observed_at,
    last_observed_at,
    ms_played,
    context_key,
    device_key,
    item_number,
    file_number,
    is_known
)
select
    minuted_play.source_play_number,
    'account_export',
    minuted_play.track_key,
    minuted_play.recording_key,
    false,
    minuted_play.observed_at,
    minuted_play.observed_at,
    minuted_play.ms_played,
    0,
    0,
    minuted_play.item_number,
    minuted_play.file_number,
    minuted_play.play_key is not null
from minuted_play;

insert into origin (
    source_play_number,
    play_key,
    is_primary
)
select
    minuted_play.source_play_number,
    minuted_play.play_key,
    minuted_play.is_primary
from minuted_play
where minuted_play.play_key is not null;
