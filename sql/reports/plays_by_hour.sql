-- Plays by hour of the listener's day
select
    dim_time.hour,
    count(fact_play.play_key) as play_count
from listening.dim_time
left join listening.fact_play
    on
        fact_play.time_key = dim_time.time_key
        and fact_play.listener_key = :listener_key
group by dim_time.hour
order by dim_time.hour
