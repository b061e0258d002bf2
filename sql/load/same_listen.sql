-- The rule for "the same listen" between sources: which plays may be one, and how near they are. same_listen_nearest.sql then
-- takes the nearest pair of all, again and again, tier after tier; one to one. What one source tells twice, and how one page
-- differs from the next, is decided before, in told_by_*.sql.
--
-- Tier 1, list and extended export: the same recording (id, ISRC, or name, artist and length), at most 45 seconds between the
--   dates. Spotify moves dates by up to 31 s, and towards what the export says. A play whose export row is dated long after its
--   end (the app crashed, the phone was offline) is met at its beginning plus what was played.
-- Tier 2, the same where ids differ and no length is known to differ: equal name and artist, at most 5 seconds.
-- Tier 3, the same where the export names nothing: at most 2 seconds.
-- Tier 4, account and extended export: equal minute, milliseconds and name.
-- Tier 5, the same where one of the two names nothing.
-- Tier 6, account export and list, where no extended export tells that play: the same name, and the date at most 45 seconds from
--   the minute.
--
-- Why wide is safe: pairing is one to one and nearest first, and what is told well pairs at almost no distance; so a real repeat
-- finds its neighbour taken and stays a play of its own.

analyze told_play;

create temporary table listed_alias on commit drop as
select distinct
    told_play.told_number,
    track_alias.name_hash
from told_play
inner join listening.track_alias on track_alias.track_key = told_play.track_key
where told_play.source = 'recently_played';

create temporary table possible on commit drop as
select
    1 as tier,
    exported.told_number,
    listed.told_number as other_number,
    least(
        extract(epoch from greatest(listed.told_at - exported.told_at, exported.told_at - listed.last_told_at, interval '0')),
        extract(epoch from greatest(listed.told_at - played.until, played.until - listed.last_told_at, interval '0'))
    ) as seconds
from told_play as listed
inner join told_play as exported on exported.recording_key = listed.recording_key
cross join lateral (
    select exported.started_at + exported.ms_played * interval '1 millisecond' as until
) as played
where
    listed.source = 'recently_played'
    and exported.source = 'extended_export'
    and listed.track_key <> 0
    and (
        exported.told_at between listed.told_at - interval '45 seconds' and listed.last_told_at + interval '45 seconds'
        or played.until between listed.told_at - interval '45 seconds' and listed.last_told_at + interval '45 seconds'
    )
union all
select
    2,
    exported.told_number,
    listed.told_number,
    extract(epoch from greatest(listed.told_at - exported.told_at, exported.told_at - listed.last_told_at, interval '0'))
from listed_alias
inner join told_play as listed on listed.told_number = listed_alias.told_number
inner join listening.track_alias on track_alias.name_hash = listed_alias.name_hash
inner join told_play as exported on exported.track_key = track_alias.track_key
inner join listening.dim_track as listed_track on listed_track.track_key = listed.track_key
inner join listening.dim_track as exported_track on exported_track.track_key = exported.track_key
where
    exported.source = 'extended_export'
    and exported.recording_key <> listed.recording_key
    and exported.told_at between listed.told_at - interval '5 seconds' and listed.last_told_at + interval '5 seconds'
    and coalesce(abs(listed_track.duration_ms - exported_track.duration_ms) <= 2000, true)
union all
select
    3,
    exported.told_number,
    listed.told_number,
    extract(epoch from greatest(listed.told_at - exported.told_at, exported.told_at - listed.last_told_at, interval '0'))
from told_play as exported
inner join told_play as listed
    on exported.told_at between listed.told_at - interval '2 seconds' and listed.last_told_at + interval '2 seconds'
where
    exported.source = 'extended_export'
    and exported.track_key = 0
    and listed.source = 'recently_played'
union all
select
    case when minuted.track_key = 0 or exported.track_key = 0 then 5 else 4 end,
    exported.told_number,
    minuted.told_number,
    extract(epoch from exported.told_at - minuted.told_at)
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
select distinct
    6,
    listed.told_number,
    minuted.told_number,
    extract(
        epoch from greatest(
            minuted.told_at - listed.last_told_at, listed.told_at - minuted.told_at - interval '1 minute', interval '0'
        )
    )
from told_play as minuted
inner join listening.track_alias on track_alias.track_key = minuted.track_key
inner join listed_alias on listed_alias.name_hash = track_alias.name_hash
inner join told_play as listed on listed.told_number = listed_alias.told_number
where
    minuted.source = 'account_export'
    and minuted.told_at between listed.told_at - interval '105 seconds' and listed.last_told_at + interval '45 seconds';
