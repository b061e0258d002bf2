-- What became of the rows of the batch: one row a file (a page has none). Each play that a source tells counts once, for the
-- first row that tells it; the other rows that tell it are duplicates.

with told as (
    select
        told_play.file_number,
        count(*) filter (
            where told_play.is_known
            and not exists (select 1 from told_before where told_before.play_key = told_play.play_key)
        ) as known_count,
        count(*) filter (where not told_play.is_known and (listen.play_key is not null or same_listen.told_number is not null)) as merged_count,
        count(*) filter (where not told_play.is_known and listen.play_key is null and same_listen.told_number is null) as new_count
    from told_play
    left join same_listen on same_listen.other_number = told_play.told_number
    inner join listen on listen.listen_number = coalesce(same_listen.told_number, told_play.told_number)
    where told_play.item_number is not null
    group by told_play.file_number
)
select
    read_report.file_number,
    read_report.row_count,
    coalesce(told.new_count, 0) as new_count,
    read_report.known_count + coalesce(told.known_count, 0) as known_count,
    coalesce(told.merged_count, 0) as merged_count,
    read_report.row_count - read_report.known_count - coalesce(told.new_count + told.known_count + told.merged_count, 0) as duplicate_count
from read_report
left join told on told.file_number is not distinct from read_report.file_number
order by read_report.file_number
