-- The extended export's plays. Rows equal in (ts, item, ms) are one. Rows that differ in ms are two listens, as skipping to
-- and fro makes them, and as a phone that was offline dates many plays to the moment it is back; unless both could not have
-- happened: two plays of one item that began in the same millisecond are one, told again, often seconds or days later, sometimes
-- with less of it. The first date stands, and the most milliseconds.
-- A row that names nothing is the one that another export names, if ts and ms (more than none) are equal.

create temporary table exported_play on commit drop as
select
    row_number() over () as exported_number,
    told.track_key,
    told.recording_key,
    told.told_at,
    told.ms_played,
    max(told.last_told_at) as last_told_at,
    min(told.started_at) as started_at,
    max(told.device_key) as device_key,
    max(told.reason_start) as reason_start,
    max(told.reason_end) as reason_end,
    bool_or(told.is_shuffle) as is_shuffle,
    bool_or(told.is_skipped) as is_skipped,
    bool_or(told.is_offline) as is_offline,
    bool_or(told.is_private) as is_private,
    max(told.country_code) as country_code,
    min(told.item_number) as item_number,
    min(told.play_key) as play_key,
    bool_or(told.play_key is not null) as is_known,
    null::bigint as same_as
from (
    select
        staged_report.track_key,
        staged_report.recording_key,
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
        null::bigint as play_key
    from staged_report
    where staged_report.source = 'extended_export'
    union all
    select
        known_report.track_key,
        known_report.recording_key,
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
        known_report.play_key
    from known_report
    where known_report.source = 'extended_export'
) as told
group by
    told.track_key,
    told.recording_key,
    told.told_at,
    told.ms_played;

with told_again as (
    select
        exported_play.track_key,
        exported_play.started_at
    from exported_play
    where
        exported_play.started_at is not null
        and extract(milliseconds from exported_play.started_at)::integer % 1000 <> 0
    group by
        exported_play.track_key,
        exported_play.started_at
    having count(*) > 1
),
merged as (
    select
        exported_play.exported_number,
        first_value(exported_play.exported_number) over telling as first_number
    from told_again
    inner join exported_play
        on
            exported_play.track_key = told_again.track_key
            and exported_play.started_at = told_again.started_at
    window telling as (
        partition by exported_play.track_key, exported_play.started_at
        order by exported_play.told_at, exported_play.ms_played desc
    )
)
update exported_play
set same_as = merged.first_number
from merged
where
    exported_play.exported_number = merged.exported_number
    and merged.first_number <> merged.exported_number;

with unnamed as (
    select
        exported_play.exported_number,
        exported_play.told_at,
        exported_play.ms_played
    from exported_play
    where
        exported_play.track_key = 0
        and exported_play.ms_played > 0
),
named as (
    select
        unnamed.exported_number,
        exported_play.exported_number as named_number,
        row_number() over (partition by unnamed.exported_number order by dim_track.track_uri) as choice
    from unnamed
    inner join exported_play
        on
            exported_play.told_at = unnamed.told_at
            and exported_play.ms_played = unnamed.ms_played
            and exported_play.track_key <> 0
            and exported_play.same_as is null
    inner join listening.dim_track on dim_track.track_key = exported_play.track_key
)
update exported_play
set same_as = named.named_number
from named
where
    exported_play.exported_number = named.exported_number
    and named.choice = 1;

with again as (
    select
        exported_play.same_as,
        max(exported_play.last_told_at) as last_told_at,
        max(exported_play.ms_played) as ms_played,
        min(exported_play.item_number) as item_number,
        min(exported_play.play_key) as play_key,
        bool_or(exported_play.is_known) as is_known
    from exported_play
    where exported_play.same_as is not null
    group by exported_play.same_as
)
update exported_play
set
    last_told_at = greatest(exported_play.last_told_at, again.last_told_at),
    ms_played = greatest(exported_play.ms_played, again.ms_played),
    is_known = exported_play.is_known or again.is_known
from again
where exported_play.exported_number = again.same_as;

insert into told_play (
    told_number,
    source,
    track_key,
    recording_key,
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
    is_known
)
select
    exported_play.exported_number,
    'extended_export',
    exported_play.track_key,
    exported_play.recording_key,
    exported_play.told_at,
    exported_play.last_told_at,
    exported_play.started_at,
    exported_play.ms_played,
    0,
    exported_play.device_key,
    exported_play.reason_start,
    exported_play.reason_end,
    exported_play.is_shuffle,
    exported_play.is_skipped,
    exported_play.is_offline,
    exported_play.is_private,
    exported_play.country_code,
    exported_play.item_number,
    exported_play.is_known
from exported_play
where exported_play.same_as is null;

insert into origin (
    told_number,
    play_key,
    is_primary
)
select
    coalesce(exported_play.same_as, exported_play.exported_number),
    exported_play.play_key,
    true
from exported_play
where exported_play.play_key is not null;
