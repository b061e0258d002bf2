-- What the batch adds to plays already known: a context, or another date of the same listen. The earliest date stands
-- (Spotify moves dates back, towards what its own export says); how much later it was also dated is kept in the offset.
-- Rows that would not change are left alone.

with better as (
    select
        fact_play.play_key,
        fact_play.played_at as known_at,
        least(known_play.played_at, reported_play.played_at) as played_at,
        greatest(known_play.latest_at, reported_play.latest_at) as latest_at,
        coalesce(nullif(reported_play.context_key, 0), fact_play.context_key) as context_key
    from same_listen
    inner join reported_play on reported_play.item_number = same_listen.item_number
    inner join known_play on known_play.play_key = same_listen.play_key
    inner join listening.fact_play
        on
            fact_play.listener_key = :listener_key
            and fact_play.played_at = known_play.played_at
            and fact_play.play_key = known_play.play_key
),
changed as (
    select
        better.play_key,
        better.known_at,
        better.played_at,
        better.played_at at time zone dim_listener.time_zone as local_at,
        nullif(round(extract(epoch from better.latest_at - better.played_at) * 1000), 0)::integer as offset_ms,
        better.context_key
    from better
    inner join listening.dim_listener on dim_listener.listener_key = :listener_key
)
update listening.fact_play
set
    played_at = changed.played_at,
    date_key = to_char(changed.local_at, 'YYYYMMDD')::integer,
    time_key = extract(hour from changed.local_at) * 60 + extract(minute from changed.local_at),
    recently_played_offset_ms = changed.offset_ms,
    context_key = changed.context_key
from changed
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at = changed.known_at
    and fact_play.play_key = changed.play_key
    and (fact_play.played_at, fact_play.recently_played_offset_ms, fact_play.context_key)
    is distinct from (changed.played_at, changed.offset_ms, changed.context_key)
returning fact_play.play_key;
