-- Each play of a source, from the observations that are linked, directly or through others. Of several observations the
-- first date and the longest duration stand, and the reasons, flags and device of the longest one that names its track.
-- All ties are broken by what the observations say, never by the order in which they came.

create temporary table linked_observation on commit drop as
select
    linked.observation_number,
    min(linked.other_number) as source_play_number
from (
    select
        observation_link.observation_number,
        observation_link.other_number
    from observation_link
    union all
    select
        observation_link.other_number,
        observation_link.observation_number
    from observation_link
    union all
    select
        observation_link.observation_number,
        observation_link.observation_number
    from observation_link
    union all
    select
        observation_link.other_number,
        observation_link.other_number
    from observation_link
) as linked
group by linked.observation_number;

analyze linked_observation;

-- Links share their observation of the lowest number, so a few rounds reach all of a play.
do $$
begin
    loop
        update linked_observation
        set source_play_number = lower.source_play_number
        from (
            select
                joined.observation_number,
                min(joined.source_play_number) as source_play_number
            from (
                select
                    observation_link.observation_number,
                    other.source_play_number
                from observation_link
                inner join linked_observation as other on other.observation_number = observation_link.other_number
                union all
                select
                    observation_link.other_number,
                    other.source_play_number
                from observation_link
                inner join linked_observation as other on other.observation_number = observation_link.observation_number
            ) as joined
            group by joined.observation_number
        ) as lower
        where
            linked_observation.observation_number = lower.observation_number
            and linked_observation.source_play_number > lower.source_play_number;
        exit when not found;
    end loop;
end
$$;

update near_observation
set source_play_number = linked_observation.source_play_number
from linked_observation
where
    near_observation.observation_number = linked_observation.observation_number
    and near_observation.source_play_number <> linked_observation.source_play_number;

create temporary table repeated_play on commit drop as
select linked_observation.source_play_number
from linked_observation
group by linked_observation.source_play_number
having count(*) > 1;

insert into source_play (
    source_play_number,
    source_key,
    track_key,
    recording_key,
    has_id,
    observed_at,
    last_observed_at,
    started_at,
    ms_played,
    context_key,
    device_key,
    play_profile_key
)
select
    near_observation.observation_number,
    near_observation.source_key,
    near_observation.track_key,
    near_observation.recording_key,
    near_observation.has_id,
    near_observation.observed_at,
    near_observation.observed_at,
    near_observation.started_at,
    near_observation.ms_played,
    near_observation.context_key,
    near_observation.device_key,
    near_observation.play_profile_key
from near_observation
where
    not exists (
        select 1
        from repeated_play
        where repeated_play.source_play_number = near_observation.source_play_number
    )
union all
select
    repeated_play.source_play_number,
    min(near_observation.source_key),
    (array_agg(near_observation.track_key order by dim_track.track_uri))[1],
    (array_agg(near_observation.recording_key order by dim_track.track_uri))[1],
    (array_agg(near_observation.has_id order by dim_track.track_uri))[1],
    min(near_observation.observed_at),
    max(near_observation.observed_at),
    (array_agg(near_observation.started_at order by near_observation.observed_at, near_observation.started_at))[1],
    max(near_observation.ms_played),
    coalesce(
        (
            array_agg(near_observation.context_key order by near_observation.observed_at, dim_context.context_uri)
            filter (where near_observation.context_key <> 0)
        )[1],
        0
    ),
    coalesce(
        (
            array_agg(near_observation.device_key order by dim_device.platform desc nulls last, dim_device.device_id)
            filter (where near_observation.device_key <> 0)
        )[1],
        0
    ),
    (
        array_agg(
            near_observation.play_profile_key
            order by
                near_observation.track_key = 0,
                near_observation.ms_played desc nulls last,
                near_observation.observed_at,
                dim_play_profile.reason_end desc nulls last,
                dim_play_profile.reason_start desc nulls last,
                dim_play_profile.is_private desc nulls last,
                dim_play_profile.is_skipped desc nulls last,
                dim_play_profile.is_shuffle desc nulls last,
                dim_play_profile.is_offline desc nulls last,
                dim_play_profile.country_code desc nulls last
        )
    )[1]
from repeated_play
inner join near_observation on near_observation.source_play_number = repeated_play.source_play_number
inner join listening.dim_track on dim_track.track_key = near_observation.track_key
inner join listening.dim_context on dim_context.context_key = near_observation.context_key
inner join listening.dim_device on dim_device.device_key = near_observation.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = near_observation.play_profile_key
group by repeated_play.source_play_number;

analyze source_play;
