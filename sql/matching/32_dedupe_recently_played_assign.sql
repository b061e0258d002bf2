-- Assign the next date of each island that holds two close plays to the earliest play that can take it.
-- Run until no row is returned.

with next_date as (
    select distinct on (dated_play.island_number)
        dated_play.island_number,
        dated_play.dated_number,
        dated_play.first_at
    from dated_play
    where dated_play.play_number is null
    order by
        dated_play.island_number,
        dated_play.dated_number
),
match_candidate as (
    select
        next_date.dated_number,
        member.play_number
    from next_date
    inner join dated_play as member
        on
            member.island_number = next_date.island_number
            and member.play_number is not null
    group by
        next_date.dated_number,
        next_date.first_at,
        member.play_number
    having
        next_date.first_at <= max(member.last_at) + interval '45 seconds'
        and not bool_or(
            exists (
                select 1
                from dated_apart
                where
                    (
                        dated_apart.dated_number = member.dated_number
                        and dated_apart.other_number = next_date.dated_number
                    )
                    or (
                        dated_apart.other_number = member.dated_number
                        and dated_apart.dated_number = next_date.dated_number
                    )
            )
        )
)
update dated_play
set play_number = coalesce(
    (
        select min(match_candidate.play_number)
        from match_candidate
        where match_candidate.dated_number = next_date.dated_number
    ),
    next_date.dated_number
)
from next_date
where dated_play.dated_number = next_date.dated_number
returning dated_play.dated_number
