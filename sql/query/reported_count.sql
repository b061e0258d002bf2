-- Plays of the batch, each told once.
select count(*) as play_count
from reported_play
