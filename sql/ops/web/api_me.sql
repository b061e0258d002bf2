-- How far the record of a listener goes. One row.
select
    count(fact_play.play_key) as listen_count,
    min(fact_play.played_at) as first_played_at,
    max(fact_play.played_at) as last_played_at,
    max(freshness.checked_at) as checked_at
from listening.freshness
left join listening.fact_play on fact_play.listener_key = freshness.listener_key
where freshness.listener_key = :listener_key
