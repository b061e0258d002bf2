-- One round of pairing within a tier: the pairs that are nearest to each other on both sides, which is what taking the nearest
-- pair of all, again and again, would take. Run until it finds no more. Of two equally near the earlier one, then the longer one.
-- In tier 6 the list's play stands for itself, so only if the extended export does not tell it. In tier 5 the account export may
-- have named what the extended one does not.

delete from possible
where
    possible.other_number in (select same_listen.other_number from same_listen)
    or possible.told_number in (select same_listen.other_number from same_listen)
    or (possible.told_number, possible.other_source) in (
        select
            same_listen.told_number,
            same_listen.other_source
        from same_listen
    );

with free as (
    select
        possible.told_number,
        possible.other_number,
        possible.other_source,
        possible.seconds,
        told.told_at,
        told.ms_played,
        other.told_at as other_at,
        other.ms_played as other_ms,
        told_track.track_uri as told_uri,
        other_track.track_uri as other_uri
    from possible
    inner join told_play as told on told.told_number = possible.told_number
    inner join told_play as other on other.told_number = possible.other_number
    inner join listening.dim_track as told_track on told_track.track_key = told.track_key
    inner join listening.dim_track as other_track on other_track.track_key = other.track_key
    left join same_listen as named
        on
            named.told_number = possible.told_number
            and named.other_source = 'account_export'
            and possible.tier = 5
    left join told_play as naming on naming.told_number = named.other_number
    where
        possible.tier = :tier
        and (
            possible.tier <> 5
            or (coalesce(naming.track_key, 0) = 0 and possible.seconds <= 2)
            or exists (
                select 1
                from listed_alias
                inner join listening.track_alias on track_alias.name_hash = listed_alias.name_hash
                where
                    listed_alias.told_number = possible.other_number
                    and track_alias.track_key = naming.track_key
            )
        )
),
ranked as (
    select
        free.told_number,
        free.other_number,
        free.other_source,
        row_number() over (
            partition by free.told_number
            order by free.seconds, free.other_at, free.other_ms desc, free.other_uri, free.other_number
        ) as rank_for_told,
        row_number() over (
            partition by free.other_number
            order by free.seconds, free.told_at, free.ms_played desc, free.told_uri, free.told_number
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
    ranked.other_source
from ranked
where
    ranked.rank_for_told = 1
    and ranked.rank_for_other = 1
returning other_number
