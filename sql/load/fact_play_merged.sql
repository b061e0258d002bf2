-- Known plays that turned out to be one with another known play: their row goes, and what it was merged into is kept.

with gone as (
    delete from listening.fact_play
    using known_play
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at = known_play.played_at
        and fact_play.play_key = known_play.play_key
        and not exists (
            select 1
            from listen
            where listen.play_key = known_play.play_key
        )
        and exists (
            select 1
            from origin
            where origin.play_key = known_play.play_key
        )
    returning fact_play.play_key
)
insert into ops.merged_play (
    play_key,
    listener_key,
    merged_into,
    merged_at
)
select
    gone.play_key,
    cast(:listener_key as integer),
    min(listen.play_key),
    :now
from gone
inner join origin on origin.play_key = gone.play_key
left join same_listen on same_listen.other_number = origin.told_number
inner join listen on listen.listen_number = coalesce(same_listen.told_number, origin.told_number)
where origin.is_primary
group by gone.play_key
on conflict (play_key) do nothing;
