-- Which track ids are one recording, derived anew for the tracks that the batch changed and all that share an ISRC or a
-- name with them. It follows from what is known of the tracks, not from the order in which that came:
--
-- - An ISRC is a hint, not an identity: labels give one to two songs. Tracks with one ISRC are a recording if they have
--   a name (artist and title) in common, or their lengths are within two seconds.
-- - A track without an ISRC joins a recording that has one by name and length, the nearest in length. Left over, tracks
--   of one name whose lengths are within two seconds are a recording.
-- - Each track is compared with the one that stands for the recording, so no chain joins two ISRCs or stretches a
--   length.
-- - A track known by name alone joins the recording of that name whose length its plays do not contradict: the shortest
--   that is no shorter than its longest play, or one of unknown length.
--
-- Plays of recorded tracks that join or leave a recording are matched again (tracks_to_rematch).

analyze changed_track;

create temporary table family_track on commit drop as
with recursive family as (
    select changed_track.track_key
    from changed_track
    union
    select relative.track_key
    from family
    cross join lateral (
        select other.track_key
        from listening.track_alias as own
        inner join listening.track_alias as other on other.name_hash = own.name_hash
        where own.track_key = family.track_key
        union all
        select other.track_key
        from listening.dim_track as own
        inner join listening.dim_track as other on other.isrc = own.isrc
        where own.track_key = family.track_key
    ) as relative
)
select
    dim_track.track_key,
    dim_track.track_uri,
    dim_track.isrc,
    dim_track.duration_ms,
    dim_track.longest_ms,
    dim_track.recording_key,
    dim_track.track_uri like 'name:%' as is_by_name,
    (
        select min(track_alias.name_hash::text)
        from listening.track_alias
        where track_alias.track_key = dim_track.track_key
    ) as first_name
from family
inner join listening.dim_track on dim_track.track_key = family.track_key
where family.track_key <> 0;

create temporary table family_name on commit drop as
select
    track_alias.track_key,
    track_alias.name_hash
from family_track
inner join listening.track_alias on track_alias.track_key = family_track.track_key;

analyze family_track;
analyze family_name;

-- the pairs of the family that have a name in common
create temporary table family_namesake on commit drop as
select distinct
    own.track_key,
    other.track_key as other_key
from family_name as own
inner join family_name as other
    on
        other.name_hash = own.name_hash
        and other.track_key <> own.track_key;

-- which track stands for each: first those with an ISRC, in two rounds for the case that it was given to two songs
create temporary table standing_track on commit drop as
with coded as (
    select
        family_track.*,
        first_value(family_track.track_key) over by_code as code_key,
        first_value(family_track.duration_ms) over by_code as code_ms
    from family_track
    where family_track.isrc is not null
    window by_code as (
        partition by family_track.isrc
        order by family_track.track_uri
    )
),
judged as (
    select
        coded.*,
        coded.code_key = coded.track_key
        or coalesce(abs(coded.duration_ms - coded.code_ms) <= 2000, false)
        or exists (
            select 1
            from family_namesake
            where
                family_namesake.track_key = coded.track_key
                and family_namesake.other_key = coded.code_key
        ) as is_same
    from coded
),
second as (
    select
        judged.*,
        first_value(judged.track_key) over by_code as second_key,
        first_value(judged.duration_ms) over by_code as second_ms
    from judged
    where not judged.is_same
    window by_code as (
        partition by judged.isrc
        order by judged.track_uri
    )
)
select
    judged.track_key,
    judged.code_key as standing_key
from judged
where judged.is_same
union all
select
    second.track_key,
    case
        when
            coalesce(abs(second.duration_ms - second.second_ms) <= 2000, false)
            or exists (
                select 1
                from family_namesake
                where
                    family_namesake.track_key = second.track_key
                    and family_namesake.other_key = second.second_key
            )
            then second.second_key
        else second.track_key
    end
from second;

-- then those without one, by name and length
insert into standing_track (
    track_key,
    standing_key
)
select distinct on (family_track.track_key)
    family_track.track_key,
    standing.track_key
from family_track
inner join family_namesake on family_namesake.track_key = family_track.track_key
inner join family_track as standing
    on
        standing.track_key = family_namesake.other_key
        and standing.isrc is not null
        and abs(standing.duration_ms - family_track.duration_ms) <= 2000
inner join standing_track
    on
        standing_track.track_key = standing.track_key
        and standing_track.standing_key = standing.track_key
where family_track.isrc is null
order by
    family_track.track_key,
    abs(standing.duration_ms - family_track.duration_ms),
    standing.track_uri;

insert into standing_track (
    track_key,
    standing_key
)
select
    begun.track_key,
    first_value(begun.track_key) over (
        partition by
            begun.first_name,
            begun.group_start
        order by
            begun.duration_ms,
            begun.track_uri
    )
from (
    select
        family_track.track_key,
        family_track.track_uri,
        family_track.first_name,
        family_track.duration_ms,
        ops.group_start(
            family_track.duration_ms,
            2000
        ) over (
            partition by family_track.first_name
            order by
                family_track.duration_ms,
                family_track.track_uri
            rows between unbounded preceding and current row
        ) as group_start
    from family_track
    where
        family_track.isrc is null
        and family_track.duration_ms is not null
        and family_track.first_name is not null
        and not family_track.is_by_name
        and family_track.track_key not in (select standing_track.track_key from standing_track)
) as begun;

-- last those known by name alone
insert into standing_track (
    track_key,
    standing_key
)
with named as (
    select
        by_name.track_key,
        coalesce(standing_track.standing_key, other.track_key) as standing_key,
        row_number() over (
            partition by by_name.track_key
            order by
                other.duration_ms is null,
                other.duration_ms,
                other.track_uri
        ) as choice
    from family_track as by_name
    inner join family_namesake on family_namesake.track_key = by_name.track_key
    inner join family_track as other
        on
            other.track_key = family_namesake.other_key
            and not other.is_by_name
            and coalesce(other.duration_ms >= by_name.longest_ms - 2000, true)
    left join standing_track on standing_track.track_key = other.track_key
    where by_name.is_by_name
)
select
    named.track_key,
    named.standing_key
from named
where named.choice = 1;

insert into standing_track (
    track_key,
    standing_key
)
select
    family_track.track_key,
    first_value(family_track.track_key) over (
        partition by family_track.first_name
        order by family_track.track_uri
    )
from family_track
where
    family_track.is_by_name
    and family_track.first_name is not null
    and family_track.track_key not in (select standing_track.track_key from standing_track);

with recording as (
    select
        family_track.track_key,
        family_track.recording_key as known_key,
        case
            when count(*) over standing > 1 then min(family_track.track_key) over standing
        end as recording_key
    from family_track
    left join standing_track on standing_track.track_key = family_track.track_key
    window standing as (partition by coalesce(standing_track.standing_key, family_track.track_key))
),
moved as (
    update listening.dim_track
    set recording_key = recording.recording_key
    from recording
    where
        dim_track.track_key = recording.track_key
        and recording.recording_key is distinct from recording.known_key
    returning dim_track.track_key
)
insert into tracks_to_rematch (track_key)
select moved.track_key
from moved
where moved.track_key <= (select newest_track.track_key from newest_track)
union
-- a name whose recording gained a length: the ends of plays that only their starts are known of follow from it
select family_track.track_key
from family_track
inner join recording on recording.track_key = family_track.track_key
where
    family_track.is_by_name
    and family_track.track_key <= (select newest_track.track_key from newest_track)
    and recording.recording_key in (
        select alike.recording_key
        from recording as alike
        inner join changed_track on changed_track.track_key = alike.track_key
    )
    and exists (
        select 1
        from listening.dim_listener
        cross join listening.source
        cross join lateral (
            select observation.observed_at
            from listening.observation
            where
                observation.listener_key = dim_listener.listener_key
                and observation.source_key = source.source_key
            limit 1
        ) as begun
        where source.dates = 'start'
    )
on conflict do nothing
