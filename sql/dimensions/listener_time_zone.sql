-- Set the time zone of a listener, and the local date and minute of every play. Requires the lock of the listener: a
-- merge under way may have read the old zone. Plays that are dated correctly are not written.

with zoned as (
    update listening.dim_listener
    set
        time_zone = :time_zone,
        dates_checked_at = transaction_timestamp()
    where dim_listener.listener_key = :listener_key
    returning dim_listener.listener_key
)
update listening.fact_play
set
    date_key = to_char(fact_play.played_at at time zone :time_zone, 'YYYYMMDD')::integer,
    time_key = extract(hour from fact_play.played_at at time zone :time_zone) * 60
    + extract(minute from fact_play.played_at at time zone :time_zone)
from zoned
where
    fact_play.listener_key = zoned.listener_key
    and (
        fact_play.date_key <> to_char(fact_play.played_at at time zone :time_zone, 'YYYYMMDD')::integer
        or fact_play.time_key <> extract(hour from fact_play.played_at at time zone :time_zone) * 60
        + extract(minute from fact_play.played_at at time zone :time_zone)
    )
returning fact_play.play_key;
