-- The extended export's plays. Rows equal in (ts, item, ms) are one. Rows that differ in ms are two listens, as skipping to
-- and fro makes them, and as a phone that was offline dates many plays to the moment it is back; unless both could not have
-- happened: two plays of one item that began in the same millisecond are one, told again, often seconds or days later, sometimes
-- with less of it. The first date stands, and the most milliseconds.
-- A row that names nothing is the one that another export names, if ts and ms (more than none) are equal.

insert into told_play (
    told_number,
    source,
    track_key,
    recording_key,
    has_id,
    told_at,
    last_told_at,
    started_at,
    ms_played,
    context_key,
    device_key,
    reason_start,
    reason_end,
    is_shuffle,
    is_skipped,
    is_offline,
    is_private,
    country_code,
    item_number,
    file_number,
    is_known,
    play_key
)
with exported_report as not materialized (
    select
        staged_report.track_key,
        staged_report.recording_key,
        staged_report.has_id,
        staged_report.told_at,
        staged_report.told_at as last_told_at,
        staged_report.ms_played,
        staged_report.started_at,
        staged_report.device_key,
        staged_report.reason_start,
        staged_report.reason_end,
        staged_report.is_shuffle,
        staged_report.is_skipped,
        staged_report.is_offline,
        staged_report.is_private,
        staged_report.country_code,
        staged_report.item_number,
        staged_report.file_number,
        null::bigint as play_key
    from staged_report
    where staged_report.source = 'extended_export'
    union all
    select
        known_report.track_key,
        known_report.recording_key,
        known_report.has_id,
        known_report.told_at,
        known_report.last_told_at,
        known_report.ms_played,
        known_report.started_at,
        known_report.device_key,
        known_report.reason_start,
        known_report.reason_end,
        known_report.is_shuffle,
        known_report.is_skipped,
        known_report.is_offline,
        known_report.is_private,
        known_report.country_code,
        null,
        null,
        known_report.play_key
    from known_report
    where known_report.source = 'extended_export'
),
repeated as (
    select
        exported_report.track_key,
        exported_report.told_at,
        exported_report.ms_played
    from exported_report
    group by
        exported_report.track_key,
        exported_report.told_at,
        exported_report.ms_played
    having count(*) > 1
)
select
    row_number() over (),
    'extended_export',
    told.*
from (
    select
        once.track_key,
        once.recording_key,
        once.has_id,
        once.told_at,
        once.last_told_at,
        once.started_at,
        once.ms_played,
        0,
        once.device_key,
        once.reason_start,
        once.reason_end,
        once.is_shuffle,
        once.is_skipped,
        once.is_offline,
        once.is_private,
        once.country_code,
        once.item_number,
        once.file_number,
        once.play_key is not null,
        once.play_key
    from exported_report as once
    where
        not exists (
            select 1
            from repeated
            where
                repeated.track_key = once.track_key
                and repeated.told_at = once.told_at
                and repeated.ms_played = once.ms_played
        )
    union all
    select
        often.track_key,
        often.recording_key,
        often.has_id,
        often.told_at,
        max(often.last_told_at),
        min(often.started_at),
        often.ms_played,
        0,
        (array_agg(often.device_key order by dim_device.platform desc nulls last))[1],
        max(often.reason_start),
        max(often.reason_end),
        bool_or(often.is_shuffle),
        bool_or(often.is_skipped),
        bool_or(often.is_offline),
        bool_or(often.is_private),
        max(often.country_code),
        min(often.item_number),
        min(often.file_number),
        bool_or(often.play_key is not null),
        min(often.play_key)
    from repeated
    inner join exported_report as often
        on
            often.track_key = repeated.track_key
            and often.told_at = repeated.told_at
            and often.ms_played = repeated.ms_played
    inner join listening.dim_device on dim_device.device_key = often.device_key
    group by
        often.track_key,
        often.recording_key,
        often.has_id,
        often.told_at,
        often.ms_played
) as told;

with told_again as (
    select
        told_play.track_key,
        told_play.started_at
    from told_play
    where
        told_play.started_at is not null
        and told_play.started_at <> date_trunc('second', told_play.started_at)
    group by
        told_play.track_key,
        told_play.started_at
    having count(*) > 1
),
merged as (
    select
        told_play.told_number,
        first_value(told_play.told_number) over telling as first_number
    from told_again
    inner join told_play
        on
            told_play.track_key = told_again.track_key
            and told_play.started_at = told_again.started_at
    window telling as (
        partition by told_play.track_key, told_play.started_at
        order by told_play.told_at, told_play.ms_played desc
    )
)
update told_play
set same_as = merged.first_number
from merged
where
    told_play.told_number = merged.told_number
    and merged.first_number <> merged.told_number;

with unnamed as (
    select
        told_play.told_number,
        told_play.told_at,
        told_play.ms_played
    from told_play
    where
        told_play.track_key = 0
        and told_play.ms_played > 0
),
named as (
    select
        unnamed.told_number,
        told_play.told_number as named_number,
        row_number() over (partition by unnamed.told_number order by dim_track.track_uri) as choice
    from unnamed
    inner join told_play
        on
            told_play.told_at = unnamed.told_at
            and told_play.ms_played = unnamed.ms_played
            and told_play.track_key <> 0
            and told_play.same_as is null
    inner join listening.dim_track on dim_track.track_key = told_play.track_key
)
update told_play
set same_as = named.named_number
from named
where
    told_play.told_number = named.told_number
    and named.choice = 1;

-- What names nothing may be told again, and so may what names it: all go to the one that stands for the others.
update told_play
set same_as = root.same_as
from told_play as root
where
    told_play.same_as = root.told_number
    and root.same_as is not null
    and root.same_as <> told_play.told_number;

with again as (
    select
        told_play.same_as,
        max(told_play.last_told_at) as last_told_at,
        max(told_play.ms_played) as ms_played,
        min(told_play.item_number) as item_number,
        min(told_play.file_number) as file_number,
        bool_or(told_play.is_known) as is_known
    from told_play
    where told_play.same_as is not null
    group by told_play.same_as
)
update told_play
set
    last_told_at = greatest(told_play.last_told_at, again.last_told_at),
    ms_played = greatest(told_play.ms_played, again.ms_played),
    item_number = coalesce(told_play.item_number, again.item_number),
    file_number = coalesce(told_play.file_number, again.file_number),
    is_known = told_play.is_known or again.is_known
from again
where told_play.told_number = again.same_as;

insert into origin (
    told_number,
    play_key,
    is_primary
)
select
    coalesce(told_play.same_as, told_play.told_number),
    told_play.play_key,
    true
from told_play
where told_play.play_key is not null;

delete from told_play
where told_play.same_as is not null;
