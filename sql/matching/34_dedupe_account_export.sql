-- The account export's plays. It is the extended export cut to the minute, without ids, and a set: what is equal in minute,
-- names and milliseconds is told once. What it told before is out of the batch already (told_before.sql).

create temporary table minuted_play on commit drop as
select
    (row_number() over ())::integer + (select coalesce(max(told_play.told_number), 0) from told_play) as told_number,
    told.*
from (
    select
        known_report.track_key,
        known_report.recording_key,
        known_report.told_at,
        known_report.ms_played,
        null::integer as item_number,
        null::integer as file_number,
        known_report.play_key,
        known_report.is_primary
    from known_report
    where known_report.source = 'account_export'
    union all
    select
        min(staged_report.track_key),
        min(staged_report.recording_key),
        staged_report.told_at,
        staged_report.ms_played,
        min(staged_report.item_number),
        min(staged_report.file_number),
        null,
        false
    from staged_report
    left join (
        select
            track_alias.track_key,
            min(track_alias.name_hash::text) as name_hash
        from listening.track_alias
        where track_alias.track_key in (select told.track_key from staged_report as told where told.source = 'account_export')
        group by track_alias.track_key
    ) as named on named.track_key = staged_report.track_key
    where staged_report.source = 'account_export'
    group by
        staged_report.told_at,
        staged_report.ms_played,
        staged_report.track_key = 0,
        coalesce(named.name_hash, staged_report.track_key::text)
) as told;

insert into told_play (
    told_number,
    source,
    track_key,
    recording_key,
    has_id,
    told_at,
    last_told_at,
    ms_played,
    context_key,
    device_key,
    item_number,
    file_number,
    is_known
)
select
    minuted_play.told_number,
    'account_export',
    minuted_play.track_key,
    minuted_play.recording_key,
    false,
    minuted_play.told_at,
    minuted_play.told_at,
    minuted_play.ms_played,
    0,
    0,
    minuted_play.item_number,
    minuted_play.file_number,
    minuted_play.play_key is not null
from minuted_play;

insert into origin (
    told_number,
    play_key,
    is_primary
)
select
    minuted_play.told_number,
    minuted_play.play_key,
    minuted_play.is_primary
from minuted_play
where minuted_play.play_key is not null;
