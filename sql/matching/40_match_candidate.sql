-- The rule that decides which observations of two sources may be one play, and how far apart they are.
-- 41_match_nearest.sql then takes the nearest pair again and again, tier by tier, one to one. Repeats within a source
-- are resolved before, in 30 to 34.
--
-- Tier 1, list and extended export: same recording (id, ISRC, or name, artist and length), dates at most 45 seconds
--   apart. Spotify moves dates by up to 31 s, towards what the export says. A play that the export dates long after its
--   end (the app crashed, the phone was offline) is compared by its start plus ms_played. The list hardly ever reports
--   a row of 0 ms, so such a row is taken only when there is no other.
-- Tier 2, list and extended export: different ids and no lengths that differ, same name and artist, at most 5 seconds
--   apart.
-- Tier 3, account and extended export: same minute, milliseconds and name.
-- Tier 4, account and extended export: same minute and milliseconds, one of the two without a name.
-- Tier 5, list and extended export, which has no name: at most 2 seconds apart, or 45 if the account export has the
--   name.
-- Tier 6, account export and list, if no extended export reports the play: same name, date at most 45 seconds from the
--   minute.
--
-- Wide limits are safe because matching is one to one and nearest first. Well-reported plays match at almost no
-- distance, so a real repeat finds its neighbour taken and stays a play of its own. Dates are compared within blocks of
-- 128 seconds, so that a track played ten thousand times is not compared with itself.

analyze source_play (source_play_number, source, track_key, recording_key, observed_at, ms_played);

create temporary table listed_near on commit drop as
select
    source_play.source_play_number,
    source_play.track_key,
    source_play.recording_key,
    source_play.observed_at,
    source_play.last_observed_at,
    time_block.number as time_block
from source_play
cross join lateral generate_series(
    floor(date_part('epoch', source_play.observed_at - interval '45 seconds') / 128)::bigint,
    floor(date_part('epoch', source_play.last_observed_at + interval '45 seconds') / 128)::bigint
) as time_block (number)
where source_play.source = 'recently_played';

create temporary table exported_date on commit drop as
select
    source_play.source_play_number,
    source_play.track_key,
    source_play.recording_key,
    dates.observed_at,
    dates.is_end,
    case when source_play.ms_played = 0 then 45 else 0 end as handicap,
    floor(date_part('epoch', dates.observed_at) / 128)::bigint as time_block
from source_play
cross join lateral (
    values
    (source_play.observed_at, true),
    (source_play.started_at + source_play.ms_played * interval '1 millisecond', false)
) as dates (observed_at, is_end)
where
    source_play.source = 'extended_export'
    and exists (select 1 from listed_near)
    and (
        dates.is_end
        or (
            dates.observed_at > source_play.observed_at - interval '24 days'
            and dates.observed_at < source_play.observed_at + interval '1 minute'
        )
    );

analyze listed_near;
analyze exported_date;

create temporary table listed_alias on commit drop as
select distinct
    listed_near.source_play_number,
    track_alias.name_hash
from listed_near
inner join listening.track_alias on track_alias.track_key = listed_near.track_key;

create temporary table match_candidate on commit drop as
select
    1 as tier,
    exported_date.source_play_number,
    listed_near.source_play_number as other_number,
    'recently_played' as other_source,
    date_part(
        'epoch',
        greatest(
            listed_near.observed_at - exported_date.observed_at,
            exported_date.observed_at - listed_near.last_observed_at,
            interval '0'
        )
    ) + exported_date.handicap as seconds
from listed_near
inner join exported_date
    on
        exported_date.recording_key = listed_near.recording_key
        and exported_date.time_block = listed_near.time_block
where
    listed_near.track_key <> 0
    and exported_date.observed_at
    between listed_near.observed_at - interval '45 seconds'
    and listed_near.last_observed_at + interval '45 seconds'
union all
select
    2,
    exported_date.source_play_number,
    listed_near.source_play_number,
    'recently_played',
    date_part(
        'epoch',
        greatest(
            listed_near.observed_at - exported_date.observed_at,
            exported_date.observed_at - listed_near.last_observed_at,
            interval '0'
        )
    ) + exported_date.handicap
from listed_near
inner join exported_date
    on
        exported_date.time_block = listed_near.time_block
        and exported_date.is_end
        and exported_date.recording_key <> listed_near.recording_key
inner join listening.dim_track as listed_track on listed_track.track_key = listed_near.track_key
inner join listening.dim_track as exported_track on exported_track.track_key = exported_date.track_key
where
    exported_date.observed_at
    between listed_near.observed_at - interval '5 seconds'
    and listed_near.last_observed_at + interval '5 seconds'
    and coalesce(abs(listed_track.duration_ms - exported_track.duration_ms) <= 2000, true)
    and exists (
        select 1
        from listening.track_namesake
        where
            track_namesake.track_key = listed_near.track_key
            and track_namesake.namesake_track_key = exported_date.track_key
    )
union all
select
    case when minuted.track_key = 0 or exported.track_key = 0 then 4 else 3 end,
    exported.source_play_number,
    minuted.source_play_number,
    'account_export',
    date_part('epoch', exported.observed_at - minuted.observed_at)
from source_play as minuted
inner join source_play as exported
    on
        date_trunc('minute', exported.observed_at) = minuted.observed_at
        and exported.ms_played = minuted.ms_played
where
    minuted.source = 'account_export'
    and exported.source = 'extended_export'
    and (
        minuted.track_key = exported.track_key
        or minuted.track_key = 0
        or exported.track_key = 0
        or exists (
            select 1
            from listening.track_namesake
            where
                track_namesake.track_key = minuted.track_key
                and track_namesake.namesake_track_key = exported.track_key
        )
    )
union all
select
    5,
    exported_date.source_play_number,
    listed_near.source_play_number,
    'recently_played',
    date_part(
        'epoch',
        greatest(
            listed_near.observed_at - exported_date.observed_at,
            exported_date.observed_at - listed_near.last_observed_at,
            interval '0'
        )
    )
from listed_near
inner join exported_date
    on
        exported_date.time_block = listed_near.time_block
        and exported_date.is_end
        and exported_date.track_key = 0
where
    exported_date.observed_at
    between listed_near.observed_at - interval '45 seconds'
    and listed_near.last_observed_at + interval '45 seconds'
union all
select distinct
    6,
    listed_near.source_play_number,
    minuted.source_play_number,
    'account_export',
    date_part(
        'epoch',
        greatest(
            minuted.observed_at - listed_near.last_observed_at,
            listed_near.observed_at - minuted.observed_at - interval '1 minute',
            interval '0'
        )
    )
from source_play as minuted
cross join lateral generate_series(
    floor(date_part('epoch', minuted.observed_at) / 128)::bigint,
    floor(date_part('epoch', minuted.observed_at + interval '1 minute') / 128)::bigint
) as time_block (number)
inner join listed_near on listed_near.time_block = time_block.number
where
    minuted.source = 'account_export'
    and minuted.observed_at
    between listed_near.observed_at - interval '105 seconds'
    and listed_near.last_observed_at + interval '45 seconds'
    and exists (
        select 1
        from listed_alias
        inner join listening.track_alias on track_alias.name_hash = listed_alias.name_hash
        where
            listed_alias.source_play_number = listed_near.source_play_number
            and track_alias.track_key = minuted.track_key
    );

analyze match_candidate;
