-- The rule for "the same listen" between sources: which plays may be one, and how near they are. same_listen_nearest.sql then
-- takes the nearest pair of all, again and again, tier after tier; one to one. What one source tells twice, and how one page
-- differs from the next, is decided before, in told_by_*.sql.
--
-- Tier 1, list and extended export: the same recording (id, ISRC, or name, artist and length), at most 45 seconds between the
--   dates. Spotify moves dates by up to 31 s, and towards what the export says. A play whose export row is dated long after its
--   end (the app crashed, the phone was offline) is met at its beginning plus what was played. A row of 0 ms, which the list
--   hardly ever tells, only if there is no other.
-- Tier 2, the same where ids differ and no length is known to differ: equal name and artist, at most 5 seconds.
-- Tier 3, account and extended export: equal minute, milliseconds and name.
-- Tier 4, the same where one of the two names nothing.
-- Tier 5, list and extended export where the export names nothing: at most 2 seconds; or 45, if the account export names it.
-- Tier 6, account export and list, where no extended export tells that play: the same name, and the date at most 45 seconds from
--   the minute.
--
-- Why wide is safe: pairing is one to one and nearest first, and what is told well pairs at almost no distance; so a real repeat
-- finds its neighbour taken and stays a play of its own.
-- Dates meet in stretches of 128 seconds, so that a track played ten thousand times is not held against itself.

analyze told_play (told_number, source, track_key, recording_key, told_at, ms_played);

create temporary table listed_near on commit drop as
select
    told_play.told_number,
    told_play.track_key,
    told_play.recording_key,
    told_play.told_at,
    told_play.last_told_at,
    stretch.number as stretch
from told_play
cross join lateral generate_series(
    floor(date_part('epoch', told_play.told_at - interval '45 seconds') / 128)::bigint,
    floor(date_part('epoch', told_play.last_told_at + interval '45 seconds') / 128)::bigint
) as stretch (number)
where told_play.source = 'recently_played';

create temporary table exported_date on commit drop as
select
    told_play.told_number,
    told_play.track_key,
    told_play.recording_key,
    dates.told_at,
    dates.is_end,
    case when told_play.ms_played = 0 then 45 else 0 end as handicap,
    floor(date_part('epoch', dates.told_at) / 128)::bigint as stretch
from told_play
cross join lateral (
    values
    (told_play.told_at, true),
    (told_play.started_at + told_play.ms_played * interval '1 millisecond', false)
) as dates (told_at, is_end)
where
    told_play.source = 'extended_export'
    and exists (select 1 from listed_near)
    and (
        dates.is_end
        or (
            dates.told_at > told_play.told_at - interval '24 days'
            and dates.told_at < told_play.told_at + interval '1 minute'
        )
    );

analyze listed_near;
analyze exported_date;

create temporary table listed_alias on commit drop as
select distinct
    listed_near.told_number,
    track_alias.name_hash
from listed_near
inner join listening.track_alias on track_alias.track_key = listed_near.track_key;

create temporary table possible on commit drop as
select
    1 as tier,
    exported_date.told_number,
    listed_near.told_number as other_number,
    'recently_played' as other_source,
    date_part(
        'epoch',
        greatest(listed_near.told_at - exported_date.told_at, exported_date.told_at - listed_near.last_told_at, interval '0')
    ) + exported_date.handicap as seconds
from listed_near
inner join exported_date
    on
        exported_date.recording_key = listed_near.recording_key
        and exported_date.stretch = listed_near.stretch
where
    listed_near.track_key <> 0
    and exported_date.told_at between listed_near.told_at - interval '45 seconds' and listed_near.last_told_at + interval '45 seconds'
union all
select
    2,
    exported_date.told_number,
    listed_near.told_number,
    'recently_played',
    date_part(
        'epoch',
        greatest(listed_near.told_at - exported_date.told_at, exported_date.told_at - listed_near.last_told_at, interval '0')
    ) + exported_date.handicap
from listed_near
inner join exported_date
    on
        exported_date.stretch = listed_near.stretch
        and exported_date.is_end
        and exported_date.recording_key <> listed_near.recording_key
inner join listening.dim_track as listed_track on listed_track.track_key = listed_near.track_key
inner join listening.dim_track as exported_track on exported_track.track_key = exported_date.track_key
where
    exported_date.told_at between listed_near.told_at - interval '5 seconds' and listed_near.last_told_at + interval '5 seconds'
    and coalesce(abs(listed_track.duration_ms - exported_track.duration_ms) <= 2000, true)
    and exists (
        select 1
        from listening.track_alias as one
        inner join listening.track_alias as other on other.name_hash = one.name_hash
        where
            one.track_key = listed_near.track_key
            and other.track_key = exported_date.track_key
    )
union all
select
    case when minuted.track_key = 0 or exported.track_key = 0 then 4 else 3 end,
    exported.told_number,
    minuted.told_number,
    'account_export',
    date_part('epoch', exported.told_at - minuted.told_at)
from told_play as minuted
inner join told_play as exported
    on
        date_trunc('minute', exported.told_at) = minuted.told_at
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
            from listening.track_alias as one
            inner join listening.track_alias as other on other.name_hash = one.name_hash
            where
                one.track_key = minuted.track_key
                and other.track_key = exported.track_key
        )
    )
union all
select
    5,
    exported_date.told_number,
    listed_near.told_number,
    'recently_played',
    date_part(
        'epoch',
        greatest(listed_near.told_at - exported_date.told_at, exported_date.told_at - listed_near.last_told_at, interval '0')
    )
from listed_near
inner join exported_date
    on
        exported_date.stretch = listed_near.stretch
        and exported_date.is_end
        and exported_date.track_key = 0
where exported_date.told_at between listed_near.told_at - interval '45 seconds' and listed_near.last_told_at + interval '45 seconds'
union all
select distinct
    6,
    listed_near.told_number,
    minuted.told_number,
    'account_export',
    date_part(
        'epoch',
        greatest(
            minuted.told_at - listed_near.last_told_at,
            listed_near.told_at - minuted.told_at - interval '1 minute',
            interval '0'
        )
    )
from told_play as minuted
cross join lateral generate_series(
    floor(date_part('epoch', minuted.told_at) / 128)::bigint,
    floor(date_part('epoch', minuted.told_at + interval '1 minute') / 128)::bigint
) as stretch (number)
inner join listed_near on listed_near.stretch = stretch.number
where
    minuted.source = 'account_export'
    and minuted.told_at between listed_near.told_at - interval '105 seconds' and listed_near.last_told_at + interval '45 seconds'
    and exists (
        select 1
        from listed_alias
        inner join listening.track_alias on track_alias.name_hash = listed_alias.name_hash
        where
            listed_alias.told_number = listed_near.told_number
            and track_alias.track_key = minuted.track_key
    );

analyze possible;
