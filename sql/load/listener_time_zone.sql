-- A listener's new time zone: the local date and minute of every play follow it. Null leaves it as it is.

with moved as (
    update listening.dim_listener
    set time_zone = :time_zone
    where
        dim_listener.listener_key = :listener_key
        and dim_listener.time_zone <> :time_zone
    returning dim_listener.listener_key
)
update listening.fact_play
set
    date_key = to_char(fact_play.played_at at time zone :time_zone, 'YYYYMMDD')::integer,
    time_key = extract(hour from fact_play.played_at at time zone :time_zone) * 60
    + extract(minute from fact_play.played_at at time zone :time_zone)
from moved
where fact_play.listener_key = moved.listener_key
returning fact_play.play_key;
