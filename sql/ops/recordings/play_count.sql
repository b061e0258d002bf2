-- How many plays there are, of all listeners.
select count(*) as play_count
from listening.fact_play
