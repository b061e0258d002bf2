-- What rules leave out goes from report_listen; how many counted plays it was, and how long.
with gone as (
    delete from report_listen
    where report_listen.is_excluded
    returning
        report_listen.is_counted,
        report_listen.listened_ms
)
select
    count(*) as play_count,
    coalesce(sum(gone.listened_ms), 0)::bigint as listened_ms
from gone
where gone.is_counted
