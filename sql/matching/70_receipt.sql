-- What became of the rows of the batch: one row per file (a page has none). Each play of a source counts once, for the
-- first row that reports it; further rows that report it are duplicates.

with outcome as (
    select
        source_play.file_number,
        count(*) filter (
            where source_play.is_known
            and not exists (select 1 from already_recorded where already_recorded.play_key = source_play.play_key)
        ) as known_count,
        count(*) filter (
            where not source_play.is_known
            and (resolved_play.play_key is not null or play_match.source_play_number is not null)
        ) as merged_count,
        count(*) filter (
            where not source_play.is_known and resolved_play.play_key is null and play_match.source_play_number is null
        ) as new_count
    from source_play
    left join play_match on play_match.other_number = source_play.source_play_number
    inner join resolved_play
        on resolved_play.resolved_number = coalesce(play_match.source_play_number, source_play.source_play_number)
    where source_play.item_number is not null
    group by source_play.file_number
)
select
    batch_count.file_number,
    batch_count.row_count,
    coalesce(outcome.new_count, 0) as new_count,
    batch_count.known_count + coalesce(outcome.known_count, 0) as known_count,
    coalesce(outcome.merged_count, 0) as merged_count,
    batch_count.row_count - batch_count.known_count
    - coalesce(outcome.new_count + outcome.known_count + outcome.merged_count, 0) as duplicate_count
from batch_count
left join outcome on outcome.file_number is not distinct from batch_count.file_number
order by batch_count.file_number
