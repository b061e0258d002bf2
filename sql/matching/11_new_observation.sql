-- What of the batch is not recorded yet, each different thing once. A thing said again, in this batch or another, is no
-- new observation: so importing a file again changes nothing. `sequence` tells observations of one source, date and
-- track apart, which are few.
--
-- Observations carried over from the columns of an older program (sequence below zero) may mix two rows of a source.
-- The row itself, if the batch has it, takes the place of the one carried over; each row takes one place.

create temporary table carried_observation on commit drop as
select
    observation.source_key,
    observation.observed_at,
    observation.track_key,
    observation.sequence,
    observation.play_key,
    observation.started_at,
    observation.ms_played,
    observation.import_set_key,
    array[observation.context_key, observation.device_key, observation.play_profile_key] as details
from (
    select distinct
        batch_observation.source_key,
        batch_observation.observed_at,
        batch_observation.track_key
    from batch_observation
) as moment
inner join listening.observation
    on
        observation.listener_key = :listener_key
        and observation.source_key = moment.source_key
        and observation.observed_at = moment.observed_at
        and observation.track_key = moment.track_key
        and observation.sequence < 0
where
    -- asked first: most listeners have none
    exists (
        select 1
        from listening.observation as carried
        where
            carried.listener_key = :listener_key
            and carried.sequence < 0
    );

-- Moments with more than one observation. Only these are looked at closely.
create temporary table crowded_moment on commit drop as
select
    batch_observation.source_key,
    batch_observation.observed_at,
    batch_observation.track_key
from batch_observation
where batch_observation.recorded_play_key is null
group by
    batch_observation.source_key,
    batch_observation.observed_at,
    batch_observation.track_key
having count(*) > 1
union
select
    batch_observation.source_key,
    batch_observation.observed_at,
    batch_observation.track_key
from batch_observation
inner join listening.observation
    on
        observation.listener_key = :listener_key
        and observation.source_key = batch_observation.source_key
        and observation.observed_at = batch_observation.observed_at
        and observation.track_key = batch_observation.track_key
where batch_observation.recorded_play_key is null
union
select
    carried_observation.source_key,
    carried_observation.observed_at,
    carried_observation.track_key
from carried_observation;

-- Each different thing that the batch says of such a moment, by the first row that says it.
create temporary table different_row on commit drop as
select distinct on (
    said.source_key,
    said.observed_at,
    said.track_key,
    said.started_at,
    said.ms_played,
    said.details
)
    said.item_number,
    said.source_key,
    said.observed_at,
    said.track_key,
    said.started_at,
    said.ms_played,
    said.details,
    said.is_recorded
from (
    select
        batch_observation.item_number,
        batch_observation.source_key,
        batch_observation.observed_at,
        batch_observation.track_key,
        batch_observation.started_at,
        batch_observation.ms_played,
        array[
            batch_observation.context_key, batch_observation.device_key, batch_observation.play_profile_key
        ] as details,
        batch_observation.recorded_play_key is not null as is_recorded
    from crowded_moment
    inner join batch_observation
        on
            batch_observation.source_key = crowded_moment.source_key
            and batch_observation.observed_at = crowded_moment.observed_at
            and batch_observation.track_key = crowded_moment.track_key
) as said
order by
    said.source_key,
    said.observed_at,
    said.track_key,
    said.started_at,
    said.ms_played,
    said.details,
    said.item_number;

-- Which row an observation may have been carried over from. Distance 0: they say the same. 1: the starts are equal. 2:
-- the milliseconds are equal, or never given, and one of the two has no start.
create temporary table possible_origin on commit drop as
select
    compared.item_number,
    compared.source_key,
    compared.observed_at,
    compared.track_key,
    compared.sequence,
    compared.play_key,
    compared.distance
from (
    select
        different_row.item_number,
        different_row.is_recorded,
        carried_observation.source_key,
        carried_observation.observed_at,
        carried_observation.track_key,
        carried_observation.sequence,
        carried_observation.play_key,
        case
            when
                coalesce(different_row.started_at, 'infinity') = coalesce(carried_observation.started_at, 'infinity')
                and coalesce(different_row.ms_played, -1) = coalesce(carried_observation.ms_played, -1)
                and different_row.details = carried_observation.details
                then 0
            when different_row.started_at = carried_observation.started_at then 1
            when
                coalesce(different_row.ms_played, -1) = coalesce(carried_observation.ms_played, -1)
                and (different_row.started_at is null or carried_observation.started_at is null)
                then 2
        end as distance
    from carried_observation
    inner join different_row
        on
            different_row.source_key = carried_observation.source_key
            and different_row.observed_at = carried_observation.observed_at
            and different_row.track_key = carried_observation.track_key
) as compared
where
    compared.distance = 0
    -- what is recorded by itself already takes no other place
    or (compared.distance > 0 and not compared.is_recorded);

create temporary table origin (
    item_number integer not null,
    source_key smallint not null,
    observed_at timestamptz not null,
    track_key integer not null,
    sequence smallint not null,
    play_key bigint,
    distance integer not null
) on commit drop;

-- The nearest first, one to one. A round pairs one of each moment, and moments hold few.
do $$
begin
    loop
        insert into origin (
            item_number,
            source_key,
            observed_at,
            track_key,
            sequence,
            play_key,
            distance
        )
        select distinct on (possible_origin.source_key, possible_origin.observed_at, possible_origin.track_key)
            possible_origin.item_number,
            possible_origin.source_key,
            possible_origin.observed_at,
            possible_origin.track_key,
            possible_origin.sequence,
            possible_origin.play_key,
            possible_origin.distance
        from possible_origin
        where
            not exists (
                select 1
                from origin
                where
                    origin.source_key = possible_origin.source_key
                    and origin.observed_at = possible_origin.observed_at
                    and origin.track_key = possible_origin.track_key
                    and origin.sequence = possible_origin.sequence
            )
            and not exists (
                select 1
                from origin
                where origin.item_number = possible_origin.item_number
            )
        order by
            possible_origin.source_key,
            possible_origin.observed_at,
            possible_origin.track_key,
            possible_origin.distance,
            possible_origin.sequence desc,
            possible_origin.item_number;
        exit when not found;
    end loop;
end
$$;

-- What the source says as it was carried over stays, and is its own from now on.
update listening.observation
set sequence = confirmed.sequence
from (
    select
        origin.source_key,
        origin.observed_at,
        origin.track_key,
        origin.sequence as carried_sequence,
        coalesce(highest.sequence, -1) + row_number() over (
            partition by origin.source_key, origin.observed_at, origin.track_key
            order by origin.item_number
        ) as sequence
    from origin
    cross join lateral (
        select max(observation.sequence) as sequence
        from listening.observation
        where
            observation.listener_key = :listener_key
            and observation.source_key = origin.source_key
            and observation.observed_at = origin.observed_at
            and observation.track_key = origin.track_key
            and observation.sequence >= 0
    ) as highest
    where origin.distance = 0
) as confirmed
where
    observation.listener_key = :listener_key
    and observation.source_key = confirmed.source_key
    and observation.observed_at = confirmed.observed_at
    and observation.track_key = confirmed.track_key
    and observation.sequence = confirmed.carried_sequence;

delete from listening.observation
using origin
where
    origin.distance > 0
    and observation.listener_key = :listener_key
    and observation.source_key = origin.source_key
    and observation.observed_at = origin.observed_at
    and observation.track_key = origin.track_key
    and observation.sequence = origin.sequence;

create temporary table numbered_row on commit drop as
select
    different_row.item_number,
    coalesce(highest.sequence, -1) + row_number() over (
        partition by different_row.source_key, different_row.observed_at, different_row.track_key
        order by different_row.item_number
    ) as sequence
from different_row
cross join lateral (
    select max(observation.sequence) as sequence
    from listening.observation
    where
        observation.listener_key = :listener_key
        and observation.source_key = different_row.source_key
        and observation.observed_at = different_row.observed_at
        and observation.track_key = different_row.track_key
        and observation.sequence >= 0
) as highest
where not different_row.is_recorded;

create temporary table new_observation on commit drop as
select
    batch_observation.source_key,
    batch_observation.track_key,
    batch_observation.observed_at,
    batch_observation.started_at,
    batch_observation.ms_played,
    batch_observation.context_key,
    batch_observation.device_key,
    batch_observation.play_profile_key,
    batch_observation.item_number,
    coalesce(numbered_row.sequence, 0)::smallint as sequence,
    origin.play_key,
    batch_observation.import_set_key
from batch_observation
left join numbered_row on numbered_row.item_number = batch_observation.item_number
left join origin on origin.item_number = batch_observation.item_number
where
    batch_observation.recorded_play_key is null
    and (
        numbered_row.item_number is not null
        or not exists (
            select 1
            from crowded_moment
            where
                crowded_moment.source_key = batch_observation.source_key
                and crowded_moment.observed_at = batch_observation.observed_at
                and crowded_moment.track_key = batch_observation.track_key
        )
    );

analyze new_observation;
