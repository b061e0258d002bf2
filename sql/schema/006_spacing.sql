-- How long after the play before each play ended. An unknown length is estimated from it, and a session begins after a long silence:
-- found once with the merge, where every report had to put all plays in order to find it. It lies where most rows had been padded with zeros.

alter table listening.fact_play add column since_previous_ms integer;
comment on column listening.fact_play.since_previous_ms is 'Milliseconds from the end of the listener''s play before to the end of this one: an estimate lasts no longer. Null: nothing was played within the day before.';

update listening.fact_play
set since_previous_ms = round(date_part('epoch', spaced.gap) * 1000)
from (
    select
        known.listener_key,
        known.played_at,
        known.play_key,
        known.played_at - lag(known.played_at) over (
            partition by known.listener_key
            order by
                known.played_at,
                known.play_key
        ) as gap
    from listening.fact_play as known
) as spaced
where
    fact_play.listener_key = spaced.listener_key
    and fact_play.played_at = spaced.played_at
    and fact_play.play_key = spaced.play_key
    and spaced.gap <= interval '1 day';

drop function if exists listening.estimated_ms(interval, integer); -- its first parameter is an integer now
