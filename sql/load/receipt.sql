-- What became of the rows of the batch: one row a file (a page has none). Each play that a source tells counts once, for the
-- first row that tells it; the other rows that tell it are duplicates.

with counted as (
    select
        staged_report.file_number,
        count(*) as row_count
    from staged_report
    group by staged_report.file_number
),
first_telling as (
    select
        told_play.item_number,
        told_play.is_known,
        listen.play_key is not null or (
            -- an import that brings both exports: the extended one tells the play, the account one completes it
            told_play.source <> (
                case
                    when listen.has_extended_export then 'extended_export'
                    when listen.has_recently_played then 'recently_played'
                    else 'account_export'
                end
            )
        ) as is_merged
    from told_play
    left join same_listen on same_listen.other_number = told_play.told_number
    inner join listen on listen.listen_number = coalesce(same_listen.told_number, told_play.told_number)
    where told_play.item_number is not null
),
told as (
    select
        staged_report.file_number,
        count(*) filter (where first_telling.is_known) as known_count,
        count(*) filter (where not first_telling.is_known and first_telling.is_merged) as merged_count,
        count(*) filter (where not first_telling.is_known and not first_telling.is_merged) as new_count
    from first_telling
    inner join staged_report on staged_report.item_number = first_telling.item_number
    group by staged_report.file_number
)
select
    counted.file_number,
    counted.row_count,
    coalesce(told.new_count, 0) as new_count,
    coalesce(told.known_count, 0) as known_count,
    coalesce(told.merged_count, 0) as merged_count,
    counted.row_count - coalesce(told.new_count + told.known_count + told.merged_count, 0) as duplicate_count
from counted
left join told on told.file_number is not distinct from counted.file_number
order by counted.file_number
