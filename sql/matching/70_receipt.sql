-- What became of the rows of the batch: one row per file (a page has none). Each play of a source counts once, for the
-- first row that reports it; further rows that report it are duplicates.

with said as (
    select
        batch_said.item_number,
        batch_said.file_number,
        batch_said.source_key,
        batch_said.recorded_play_key,
        min(batch_said.item_number) over (
            partition by
                batch_said.source_key,
                batch_said.track_key,
                batch_said.observed_at,
                batch_said.started_at,
                batch_said.ms_played,
                batch_said.context_key,
                batch_said.device_key,
                batch_said.play_profile_key
        ) as first_item_number
    from batch_said
),
known_source_play as (
    select
        source_play_observation.source_play_number,
        min(near_observation.play_key) as play_key
    from source_play_observation
    inner join near_observation
        on near_observation.observation_number = source_play_observation.observation_number
    where not near_observation.is_new
    group by source_play_observation.source_play_number
),
primary_source_play as (
    select distinct on (play_of_source.play_number)
        play_of_source.play_number,
        play_of_source.source_play_number
    from play_of_source
    order by
        play_of_source.play_number,
        play_of_source.name_rank,
        play_of_source.observed_at,
        play_of_source.source_play_number
),
placed as (
    select
        said.item_number,
        said.file_number,
        coalesce(said.recorded_play_key, known_source_play.play_key) is not null as is_known,
        primary_source_play.source_play_number is not null and resolved_play.is_new as is_new,
        row_number() over (
            partition by
                said.source_key,
                coalesce(said.recorded_play_key, known_source_play.play_key, -source_play_observation.source_play_number)
            order by said.item_number
        ) as place
    from said
    left join near_observation
        on
            near_observation.item_number = said.first_item_number
            and said.recorded_play_key is null
    left join source_play_observation
        on source_play_observation.observation_number = near_observation.observation_number
    left join known_source_play
        on known_source_play.source_play_number = source_play_observation.source_play_number
    left join play_of_source on play_of_source.source_play_number = source_play_observation.source_play_number
    left join resolved_play on resolved_play.play_number = play_of_source.play_number
    left join primary_source_play
        on primary_source_play.source_play_number = source_play_observation.source_play_number
)
select
    placed.file_number,
    count(*) as row_count,
    count(*) filter (where placed.place = 1 and not placed.is_known and placed.is_new) as new_count,
    count(*) filter (where placed.place = 1 and placed.is_known) as known_count,
    count(*) filter (where placed.place = 1 and not placed.is_known and not placed.is_new) as merged_count,
    count(*) filter (where placed.place > 1) as duplicate_count
from placed
group by placed.file_number
order by placed.file_number
