-- When a play ended of which its source knows the start, but which it dates later than the play can have lasted: at its
-- start plus the milliseconds listened. A pause is real (one play in ten holds one), so a date is too late only if one
-- of these explains it:
--
-- - it was uploaded with others: another play of the source of thirty seconds or more is dated to the same second, and
--   the end by start and milliseconds is more than a minute before it;
-- - the app crashed, and the date is its next start: more than a minute before it;
-- - it was played offline: more than half an hour before it;
-- - or nobody pauses for so long: more than twelve hours before it.

create temporary table late_play on commit drop as
select
    source_play.source_play_number,
    source_play.source_key,
    source_play.ms_played,
    date_trunc('second', source_play.observed_at) as second_at,
    source_play.observed_at - interval '1 millisecond' * source_play.ms_played - source_play.started_at as late_by,
    source_play.started_at + interval '1 millisecond' * source_play.ms_played as ends_at,
    coalesce(dim_play_profile.reason_end like 'unexpected-exit%', false) as is_crash,
    coalesce(dim_play_profile.is_offline, false) as is_offline
from source_play
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = source_play.play_profile_key
where
    source_play.started_at + interval '1 millisecond' * source_play.ms_played
    < source_play.observed_at - interval '1 minute';

analyze late_play;

with crowded as (
    select
        late.source_key,
        late.second_at,
        count(*) as play_count
    from (
        select distinct
            late_play.source_key,
            late_play.second_at
        from late_play
    ) as late
    inner join source_play
        on
            source_play.source_key = late.source_key
            and date_trunc('second', source_play.observed_at) = late.second_at
            and source_play.ms_played >= 30000
    group by
        late.source_key,
        late.second_at
)
update source_play
set ends_at = late_play.ends_at
from late_play
left join crowded
    on
        crowded.source_key = late_play.source_key
        and crowded.second_at = late_play.second_at
where
    source_play.source_play_number = late_play.source_play_number
    and (
        late_play.is_crash
        or crowded.play_count > case when late_play.ms_played >= 30000 then 1 else 0 end
        or (late_play.is_offline and late_play.late_by > interval '30 minutes')
        or late_play.late_by > interval '12 hours'
    );

-- A source that dates the start says when the play ended if it knows the milliseconds; else that follows from the
-- length of the track, or of the recording if it is known by name alone.
with begun as materialized (
    select
        source_play.source_play_number,
        source_play.track_key,
        source_play.observed_at,
        source_play.ms_played
    from source_play
    where
        source_play.track_key <> 0
        and source_play.source_key in (
            select source.source_key
            from listening.source
            where source.dates = 'start'
        )
),
length as materialized (
    select
        dim_track.track_key,
        coalesce(
            dim_track.duration_ms,
            (
                select min(alike.duration_ms)
                from listening.dim_track as alike
                where alike.recording_key = dim_track.recording_key
            )
        ) as duration_ms
    from listening.dim_track
    where dim_track.track_key in (select begun.track_key from begun)
)
update source_play
set ends_at = begun.observed_at + coalesce(begun.ms_played, length.duration_ms) * interval '1 millisecond'
from begun
inner join length on length.track_key = begun.track_key
where
    source_play.source_play_number = begun.source_play_number
    and coalesce(begun.ms_played, length.duration_ms) * interval '1 millisecond' <= ops.longest_scrobble()
