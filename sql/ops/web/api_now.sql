-- The counted plays of a listener since a local day began, and when Spotify was last asked. One row.
select
    count(counted_plays.play_key) as play_count,
    coalesce(sum(counted_plays.listened_ms), 0)::bigint as listened_ms,
    max(freshness.checked_at) as checked_at
from listening.freshness
inner join listening.dim_listener on dim_listener.listener_key = freshness.listener_key
left join lateral listening.counted_plays(
    :counted_today_as, listening.start_of_day(cast(:today as date), dim_listener.time_zone), 'infinity'
) as counted_plays on counted_plays.listener_key = freshness.listener_key
where freshness.listener_key = :listener_key
