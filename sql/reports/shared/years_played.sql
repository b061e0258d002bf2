-- The years in which the listener played something, the latest first.
select distinct fact_play.date_key / 10000 as year
from listening.fact_play
where fact_play.listener_key = :listener_key
order by year desc
