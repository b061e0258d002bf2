-- What the listener's rules leave out of the counted plays from since to before until, by a look at all of them.
select
    count(*) as play_count,
    coalesce(sum(marked_plays.best_ms), 0)::bigint as listened_ms
from listening.marked_plays(:since, :until)
where
    marked_plays.listener_key = :listener_key
    and listening.is_counted(
        :counts_as, marked_plays.best_ms, marked_plays.duration_ms, marked_plays.reason_end
    )
    and marked_plays.is_excluded
