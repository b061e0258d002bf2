-- Which track ids are one recording, derived anew for the tracks that the batch changed and all that share an ISRC or a
-- name with them. It follows from what is known of the tracks, not from the order in which that came:
--
-- - An ISRC is a hint, not an identity: labels give one to two songs, or three. Tracks with one ISRC are a recording if
--   they have a name (artist and title) in common, or their lengths are within two seconds.
-- - A track without an ISRC joins a recording that has one by name and length, the nearest in length. Left over, tracks
--   of one name whose lengths are within two seconds are a recording.
-- - Each track is compared with the one that stands for the recording, so no chain joins two ISRCs or stretches a
--   length.
-- - A track known by name alone joins the recording of that name whose length its plays do not contradict: the shortest
--   that is no shorter than its longest play, or one of unknown length.
--
-- - A person's decisions stand above all that. What they merged is joined, each with the tracks that are one recording
--   with it. What they split is never in one recording: links are taken one by one, first theirs, then those of the
--   rules above, and a link that would bring the two sides of a split together is left out. Of the latter those come
--   first that lead to a track named in a split, and the likeliest of them (ISRC, then name, then nearest length, then
--   URI). So a track that looks like both sides joins the one it is most like, whatever else there is.
--
-- Plays of recorded tracks that join or leave a recording are matched again (tracks_to_rematch).

-- a decision waits for this, and this for a decision that is being made, or neither would see the other
lock table listening.recording_decision in share mode;

analyze changed_track;

create temporary table decided_pair on commit drop as
select
    one.track_key,
    other.track_key as other_key,
    recording_decision.is_same,
    recording_decision.decision_key
from listening.recording_decision
inner join listening.dim_track as one on one.track_uri = recording_decision.track_uri
inner join listening.dim_track as other on other.track_uri = recording_decision.other_track_uri
union all
select
    one.track_key,
    other.track_key,
    recording_decision.is_same,
    recording_decision.decision_key
from listening.recording_decision
inner join listening.dim_track as one on one.track_uri = recording_decision.other_track_uri
inner join listening.dim_track as other on other.track_uri = recording_decision.track_uri;

analyze decided_pair;

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
        union all
        select decided_pair.other_key
        from decided_pair
        where
            decided_pair.track_key = family.track_key
            and decided_pair.is_same
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

-- which track stands for each: first those with an ISRC. The first one of a code stands for all that are like it, and
-- the first of those left for all that are like that: a round for each song that was given the code.
create temporary table standing_track on commit drop as
with recursive judged as (
    select
        family_track.track_key,
        family_track.track_uri,
        family_track.isrc,
        family_track.duration_ms,
        null::integer as standing_key,
        false as is_same
    from family_track
    where family_track.isrc is not null
    union all
    select
        coded.track_key,
        coded.track_uri,
        coded.isrc,
        coded.duration_ms,
        coded.code_key,
        coded.code_key = coded.track_key
        or coalesce(abs(coded.duration_ms - coded.code_ms) <= 2000, false)
        or exists (
            select 1
            from family_namesake
            where
                family_namesake.track_key = coded.track_key
                and family_namesake.other_key = coded.code_key
        )
    from (
        select
            judged.track_key,
            judged.track_uri,
            judged.isrc,
            judged.duration_ms,
            first_value(judged.track_key) over by_code as code_key,
            first_value(judged.duration_ms) over by_code as code_ms
        from judged
        where not judged.is_same
        window by_code as (
            partition by judged.isrc
            order by judged.track_uri
        )
    ) as coded
)
select
    judged.track_key,
    judged.standing_key
from judged
where judged.is_same;

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

-- what a person decided: tracks of the recordings that a merge joins or a split parts, numbered
create temporary table decided_track on commit drop as
with recursive placed as (
    select
        family_track.track_key,
        family_track.track_uri,
        coalesce(standing_track.standing_key, family_track.track_key) as standing_key
    from family_track
    left join standing_track on standing_track.track_key = family_track.track_key
    where exists (select 1 from decided_pair)
),
link as (
    select distinct
        one.standing_key,
        other.standing_key as other_key
    from decided_pair
    inner join placed as one on one.track_key = decided_pair.track_key
    inner join placed as other on other.track_key = decided_pair.other_key
    where
        decided_pair.is_same
        or one.standing_key = other.standing_key
),
reached as (
    select
        link.standing_key,
        link.other_key as reached_key
    from link
    union
    select
        reached.standing_key,
        link.other_key
    from reached
    inner join link on link.standing_key = reached.reached_key
),
linked as (
    select
        reached.standing_key,
        min(reached.reached_key) as cluster_key
    from reached
    group by reached.standing_key
)
select
    placed.track_key,
    placed.standing_key,
    linked.cluster_key,
    exists (
        select 1
        from decided_pair
        where
            decided_pair.track_key = placed.track_key
            and not decided_pair.is_same
    ) as is_split,
    row_number() over (partition by linked.cluster_key order by placed.track_uri collate "C")::integer as place,
    count(*) over (partition by linked.cluster_key)::integer as size
from placed
inner join linked on linked.standing_key = placed.standing_key;

analyze decided_track;

create temporary table united_track on commit drop as
with apart as (
    select
        one.cluster_key,
        array_agg(pair.place order by decided_pair.decision_key, pair.number) as places
    from decided_pair
    inner join decided_track as one on one.track_key = decided_pair.track_key
    inner join decided_track as other
        on
            other.track_key = decided_pair.other_key
            and other.cluster_key = one.cluster_key
            and other.place > one.place
    cross join lateral (values (1, one.place), (2, other.place)) as pair (number, place)
    where not decided_pair.is_same
    group by one.cluster_key
),
link as (
    select
        one.cluster_key,
        one.place,
        other.place as other_place,
        one.size,
        decided_pair.decision_key,
        null::boolean as is_to_split,
        null::boolean as has_isrc,
        null::boolean as has_name,
        null::integer as distance_ms
    from decided_pair
    inner join decided_track as one on one.track_key = decided_pair.track_key
    inner join decided_track as other on other.track_key = decided_pair.other_key
    where
        decided_pair.is_same
        and other.place > one.place
    union all
    select
        one.cluster_key,
        one.place,
        other.place,
        one.size,
        null,
        one.is_split or other.is_split,
        coalesce(own.isrc = others.isrc, false),
        exists (
            select 1
            from family_namesake
            where
                family_namesake.track_key = one.track_key
                and family_namesake.other_key = other.track_key
        ),
        abs(own.duration_ms - others.duration_ms)
    from decided_track as one
    inner join decided_track as other
        on
            other.standing_key = one.standing_key
            and other.place > one.place
    inner join family_track as own on own.track_key = one.track_key
    inner join family_track as others on others.track_key = other.track_key
),
united as (
    select
        link.cluster_key,
        ops.united(
            link.place,
            link.other_place,
            link.size,
            apart.places
            order by
                link.decision_key nulls last,
                link.is_to_split desc,
                link.has_isrc desc,
                link.has_name desc,
                link.distance_ms nulls last,
                link.place,
                link.other_place
        ) as labels
    from link
    left join apart on apart.cluster_key = link.cluster_key
    group by link.cluster_key
)
select
    decided_track.track_key,
    standing.track_key as standing_key
from united
inner join decided_track on decided_track.cluster_key = united.cluster_key
inner join decided_track as standing
    on
        standing.cluster_key = united.cluster_key
        and standing.place = united.labels[decided_track.place];

delete from standing_track
where standing_track.track_key in (select united_track.track_key from united_track);

insert into standing_track (
    track_key,
    standing_key
)
select
    united_track.track_key,
    united_track.standing_key
from united_track;

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
