-- The account export's plays. It is the extended export cut to the minute, without ids, and a set: what is equal in minute,
-- names and milliseconds is told once.

create temporary table minuted_play on commit drop as
with told as (
    select
        staged_report.track_key,
        staged_report.recording_key,
        staged_report.told_at,
        staged_report.ms_played,
        staged_report.item_number,
        staged_report.track_key = 0 as is_unnamed,
        alias.name_hash
    from staged_report
    left join lateral (
        select track_alias.name_hash
        from listening.track_alias
        where track_alias.track_key = staged_report.track_key
        order by track_alias.name_hash
        limit 1
    ) as alias on true
    where staged_report.source = 'account_export'
)
select
    min(told.track_key) as track_key,
    min(told.recording_key) as recording_key,
    told.told_at,
    told.ms_played,
    told.name_hash,
    min(told.item_number) as item_number,
    null::bigint as known_as
from told
group by
    told.told_at,
    told.ms_played,
    told.name_hash,
    told.is_unnamed;

analyze minuted_play;

update minuted_play
set known_as = known.play_key
from (
    select
        minuted_play.item_number,
        min(known_report.play_key) as play_key
    from minuted_play
    inner join known_report
        on
            known_report.source = 'account_export'
            and known_report.told_at = minuted_play.told_at
            and known_report.ms_played = minuted_play.ms_played
            and (known_report.track_key = 0) = (minuted_play.track_key = 0)
            and (
                known_report.track_key = minuted_play.track_key
                or exists (
                    select 1
                    from listening.track_alias
                    where
                        track_alias.track_key = known_report.track_key
                        and track_alias.name_hash = minuted_play.name_hash
                )
            )
    group by minuted_play.item_number
) as known
where minuted_play.item_number = known.item_number;

create temporary table minuted_told on commit drop as
select
    (row_number() over ())::integer + (select coalesce(max(told_play.told_number), 0) from told_play) as told_number,
    told.*
from (
    select
        known_report.track_key,
        known_report.recording_key,
        known_report.told_at,
        known_report.ms_played,
        again.item_number,
        known_report.play_key,
        known_report.is_primary
    from known_report
    left join (
        select
            minuted_play.known_as,
            min(minuted_play.item_number) as item_number
        from minuted_play
        where minuted_play.known_as is not null
        group by minuted_play.known_as
    ) as again on again.known_as = known_report.play_key
    where known_report.source = 'account_export'
    union all
    select
        minuted_play.track_key,
        minuted_play.recording_key,
        minuted_play.told_at,
        minuted_play.ms_played,
        minuted_play.item_number,
        null,
        false
    from minuted_play
    where minuted_play.known_as is null
) as told;

insert into told_play (
    told_number,
    source,
    track_key,
    recording_key,
    told_at,
    last_told_at,
    ms_played,
    context_key,
    device_key,
    item_number,
    is_known
)
select
    minuted_told.told_number,
    'account_export',
    minuted_told.track_key,
    minuted_told.recording_key,
    minuted_told.told_at,
    minuted_told.told_at,
    minuted_told.ms_played,
    0,
    0,
    minuted_told.item_number,
    minuted_told.play_key is not null
from minuted_told;

insert into origin (
    told_number,
    play_key,
    is_primary
)
select
    minuted_told.told_number,
    minuted_told.play_key,
    minuted_told.is_primary
from minuted_told
where minuted_told.play_key is not null;
