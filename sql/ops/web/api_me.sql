-- How far the record of a listener goes. One row.
select
    played.listen_count,
    played.first_played_at,
    freshness.last_played_at,
    freshness.checked_at
from listening.freshness
cross join lateral (
    select
        count(*) as listen_count,
        min(fact_play.played_at) as first_played_at
    from listening.fact_play
    where fact_play.listener_key = :listener_key
) as played
where freshness.listener_key = :listener_key
