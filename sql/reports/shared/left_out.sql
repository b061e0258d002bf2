-- What the listener's rules leave out of the counted plays from since to before until. No row: there is no rule.
select
    rule.rule_count,
    left_out.play_count,
    left_out.listened_ms
from (
    select
        count(*) as rule_count
    from listening.exclusion
    where exclusion.listener_key = :listener_key
    having count(*) > 0
) as rule
cross join lateral (
    select
        count(*) as play_count,
        coalesce(sum(play.listened_ms), 0)::bigint as listened_ms
    from (
        select
            excluded_plays.play_key,
            min(excluded_plays.listened_ms) as listened_ms
        from listening.excluded_plays(:since, :until)
        where
            excluded_plays.listener_key = :listener_key
            and listening.is_counted(
                :counts_as, excluded_plays.listened_ms, excluded_plays.duration_ms, excluded_plays.reason_end
            )
        group by excluded_plays.play_key
    ) as play
) as left_out
