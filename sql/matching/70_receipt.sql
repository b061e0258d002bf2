-- What became of the rows of the batch: one row per file (a page has none). Each play of a source counts once, for the
-- first row that reports it; further rows that report it are duplicates.

with known_source_play as (
    select
        near_observation.source_play_number,
        min(near_observation.play_key) as play_key
    from near_observation
    where near_observation.play_key is not null
    group by near_observation.source_play_number
),
primary_source_play as (
    select distinct on (play_member.play_number)
        play_member.play_number,
        play_member.source_play_number
    from resolved_play
    inner join play_member on play_member.play_number = resolved_play.play_number
    inner join source_play on source_play.source_play_number = play_member.source_play_number
    inner join listening.source on source.source_key = source_play.source_key
    where resolved_play.is_new
    order by
        play_member.play_number,
        source.name_rank,
        play_member.is_left_over,
        source_play.observed_at,
        play_member.source_play_number
),
reported as (
    -- rows that say what is recorded
    select
        batch_observation.source_key,
        batch_observation.recorded_play_key as play_key,
        null::integer as source_play_number,
        min(batch_observation.item_number) as item_number
    from batch_observation
    where batch_observation.recorded_play_key is not null
    group by
        batch_observation.source_key,
        batch_observation.recorded_play_key
    union all
    select
        near_observation.source_key,
        known_source_play.play_key,
        case when known_source_play.play_key is null then near_observation.source_play_number end,
        min(near_observation.item_number)
    from near_observation
    left join known_source_play on known_source_play.source_play_number = near_observation.source_play_number
    where near_observation.is_new
    group by
        near_observation.source_key,
        known_source_play.play_key,
        case when known_source_play.play_key is null then near_observation.source_play_number end
),
known_play as (
    select min(reported.item_number) as item_number
    from reported
    where reported.play_key is not null
    group by
        reported.source_key,
        reported.play_key
),
counted as (
    select
        known_play.item_number,
        true as is_known,
        false as is_new
    from known_play
    union all
    select
        reported.item_number,
        false,
        resolved_play.is_new
        and coalesce(primary_source_play.source_play_number, reported.source_play_number) = reported.source_play_number
    from reported
    left join play_member on play_member.source_play_number = reported.source_play_number
    left join primary_source_play on primary_source_play.play_number = play_member.play_number
    inner join resolved_play
        on resolved_play.play_number = coalesce(play_member.play_number, reported.source_play_number)
    where reported.source_play_number is not null
),
counted_of_file as (
    select
        batch_observation.file_number,
        count(*) filter (where counted.is_new) as new_count,
        count(*) filter (where counted.is_known) as known_count,
        count(*) filter (where not counted.is_known and not counted.is_new) as merged_count
    from counted
    inner join batch_observation on batch_observation.item_number = counted.item_number
    group by batch_observation.file_number
),
file as (
    select
        batch_observation.file_number,
        count(*) as row_count
    from batch_observation
    group by batch_observation.file_number
)
select
    file.file_number,
    file.row_count,
    coalesce(counted_of_file.new_count, 0) as new_count,
    coalesce(counted_of_file.known_count, 0) as known_count,
    coalesce(counted_of_file.merged_count, 0) as merged_count,
    file.row_count
    - coalesce(counted_of_file.new_count + counted_of_file.known_count + counted_of_file.merged_count, 0)
    as duplicate_count
from file
left join counted_of_file on counted_of_file.file_number is not distinct from file.file_number
order by file.file_number
