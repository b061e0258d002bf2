-- One round of pairing within a tier: the pairs that are nearest to each other on both sides, which is what taking the nearest
-- pair of all, again and again, would take. Run until it finds no more.
-- A play that is told_number of a pair can be so in two tiers: the extended export's play with one of the list and one of the
-- account export. In tier 6 the list's play stands for itself, so only if the extended export does not tell it.

with free as (
    select
        possible.told_number,
        possible.other_number,
        possible.seconds,
        told.told_at,
        told.ms_played,
        other.told_at as other_at
    from possible
    inner join told_play as told on told.told_number = possible.told_number
    inner join told_play as other on other.told_number = possible.other_number
    where
        possible.tier = :tier
        and not exists (
            select 1
            from same_listen
            where same_listen.other_number = possible.other_number
        )
        and not exists (
            select 1
            from same_listen
            where same_listen.other_number = possible.told_number
        )
        and not exists (
            select 1
            from same_listen
            where
                same_listen.told_number = possible.told_number
                and same_listen.other_source = other.source
        )
),
ranked as (
    select
        free.told_number,
        free.other_number,
        row_number() over (
            partition by free.told_number
            order by free.seconds, free.other_at, free.other_number
        ) as rank_for_told,
        row_number() over (
            partition by free.other_number
            order by free.seconds, free.told_at, free.ms_played, free.told_number
        ) as rank_for_other
    from free
)
insert into same_listen (
    told_number,
    other_number,
    other_source
)
select
    ranked.told_number,
    ranked.other_number,
    other.source
from ranked
inner join told_play as other on other.told_number = ranked.other_number
where
    ranked.rank_for_told = 1
    and ranked.rank_for_other = 1
returning other_number
