-- What rules leave out goes from report_track; how many plays it was, and how long.
with gone as (
    delete from report_track
    where report_track.is_excluded
    returning
        report_track.play_count,
        report_track.listened_ms
)
select
    coalesce(sum(gone.play_count), 0)::bigint as play_count,
    coalesce(sum(gone.listened_ms), 0)::bigint as listened_ms
from gone
