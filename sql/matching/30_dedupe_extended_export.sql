-- Source plays of the extended export. Rows equal in ts, item and ms_played are one play. Rows that differ in ms_played
-- are two: skipping back and forth makes such rows, and a phone that was offline gives many plays the time it came back
-- online. The exception is what could not both have happened: two rows of one item that started in the same millisecond
-- are one play, exported again seconds or days later, sometimes shorter. The first date and the longest duration win. A
-- row without a name is the same play as a named row of another export with equal ts and ms_played (above zero).

insert into source_play (
    source_play_number,
    source,
    track_key,
    recording_key,
    has_id,
    observed_at,
    last_observed_at,
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
with export_observation as not materialized (
    select
        batch_observation.track_key,
        batch_observation.recording_key,
        batch_observation.has_id,
        batch_observation.observed_at,
        batch_observation.observed_at as last_observed_at,
        batch_observation.ms_played,
        batch_observation.started_at,
        batch_observation.device_key,
        batch_observation.reason_start,
        batch_observation.reason_end,
        batch_observation.is_shuffle,
        batch_observation.is_skipped,
        batch_observation.is_offline,
        batch_observation.is_private,
        batch_observation.country_code,
        batch_observation.item_number,
        batch_observation.file_number,
        null::bigint as play_key
    from batch_observation
    where batch_observation.source = 'extended_export'
    union all
    select
        recorded_observation.track_key,
        recorded_observation.recording_key,
        recorded_observation.has_id,
        recorded_observation.observed_at,
        recorded_observation.last_observed_at,
        recorded_observation.ms_played,
        recorded_observation.started_at,
        recorded_observation.device_key,
        recorded_observation.reason_start,
        recorded_observation.reason_end,
        recorded_observation.is_shuffle,
        recorded_observation.is_skipped,
        recorded_observation.is_offline,
        recorded_observation.is_private,
        recorded_observation.country_code,
        null,
        null,
        recorded_observation.play_key
    from recorded_observation
    where recorded_observation.source = 'extended_export'
),
repeated as (
    select
        export_observation.track_key,
        export_observation.observed_at,
        export_observation.ms_played
    from export_observation
    group by
        export_observation.track_key,
        export_observation.observed_at,
        export_observation.ms_played
    having count(*) > 1
)
select
    row_number() over (),
    'extended_export',
    deduped.*
from (
    select
        once.track_key,
        once.recording_key,
        once.has_id,
        once.observed_at,
        once.last_observed_at,
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
    from export_observation as once
    where
        not exists (
            select 1
            from repeated
            where
                repeated.track_key = once.track_key
                and repeated.observed_at = once.observed_at
                and repeated.ms_played = once.ms_played
        )
    union all
    select
        often.track_key,
        often.recording_key,
        often.has_id,
        often.observed_at,
        max(often.last_observed_at),
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
    inner join export_observation as often
        on
            often.track_key = repeated.track_key
            and often.observed_at = repeated.observed_at
            and often.ms_played = repeated.ms_played
    inner join listening.dim_device on dim_device.device_key = often.device_key
    group by
        often.track_key,
        often.recording_key,
        often.has_id,
        often.observed_at,
        often.ms_played
) as deduped;

with repeated_start as (
    select
        source_play.track_key,
        source_play.started_at
    from source_play
    where
        source_play.started_at is not null
        and source_play.started_at <> date_trunc('second', source_play.started_at)
    group by
        source_play.track_key,
        source_play.started_at
    having count(*) > 1
),
merged as (
    select
        source_play.source_play_number,
        first_value(source_play.source_play_number) over same_start as first_number
    from repeated_start
    inner join source_play
        on
            source_play.track_key = repeated_start.track_key
            and source_play.started_at = repeated_start.started_at
    window same_start as (
        partition by source_play.track_key, source_play.started_at
        order by source_play.observed_at, source_play.ms_played desc
    )
)
update source_play
set same_as = merged.first_number
from merged
where
    source_play.source_play_number = merged.source_play_number
    and merged.first_number <> merged.source_play_number;

with unnamed as (
    select
        source_play.source_play_number,
        source_play.observed_at,
        source_play.ms_played
    from source_play
    where
        source_play.track_key = 0
        and source_play.ms_played > 0
),
named as (
    select
        unnamed.source_play_number,
        source_play.source_play_number as named_number,
        row_number() over (partition by unnamed.source_play_number order by dim_track.track_uri) as choice
    from unnamed
    inner join source_play
        on
            source_play.observed_at = unnamed.observed_at
            and source_play.ms_played = unnamed.ms_played
            and source_play.track_key <> 0
            and source_play.same_as is null
    inner join listening.dim_track on dim_track.track_key = source_play.track_key
)
update source_play
set same_as = named.named_number
from named
where
    source_play.source_play_number = named.source_play_number
    and named.choice = 1;

-- Follow same_as chains to the surviving row: a row without a name may be repeated, and so may the row that names it.
update source_play
set same_as = root.same_as
from source_play as root
where
    source_play.same_as = root.source_play_number
    and root.same_as is not null
    and root.same_as <> source_play.source_play_number;

with again as (
    select
        source_play.same_as,
        max(source_play.last_observed_at) as last_observed_at,
        max(source_play.ms_played) as ms_played,
        min(source_play.item_number) as item_number,
        min(source_play.file_number) as file_number,
        bool_or(source_play.is_known) as is_known
    from source_play
    where source_play.same_as is not null
    group by source_play.same_as
)
update source_play
set
    last_observed_at = greatest(source_play.last_observed_at, again.last_observed_at),
    ms_played = greatest(source_play.ms_played, again.ms_played),
    item_number = coalesce(source_play.item_number, again.item_number),
    file_number = coalesce(source_play.file_number, again.file_number),
    is_known = source_play.is_known or again.is_known
from again
where source_play.source_play_number = again.same_as;

insert into origin (
    source_play_number,
    play_key,
    is_primary
)
select
    coalesce(source_play.same_as, source_play.source_play_number),
    source_play.play_key,
    true
from source_play
where source_play.play_key is not null;

delete from source_play
where source_play.same_as is not null;
