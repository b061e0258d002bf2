-- Known plays that turned out to be one with another known play: their row goes, and what it was merged into is kept.

with target as (
    select
        origin.play_key,
        min(listen.play_key) as merged_into
    from origin
    left join same_listen on same_listen.other_number = origin.told_number
    inner join listen on listen.listen_number = coalesce(same_listen.told_number, origin.told_number)
    where
        origin.is_primary
        and not exists (
            select 1
            from listen as claimed
            where claimed.play_key = origin.play_key
        )
    group by origin.play_key
),
gone as (
    delete from listening.fact_play
    using
        known_play,
        target
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at = known_play.played_at
        and fact_play.play_key = known_play.play_key
        and known_play.play_key = target.play_key
        and target.merged_into is not null
    returning
        fact_play.play_key,
        target.merged_into
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
    gone.merged_into,
    :now
from gone
on conflict (play_key) do nothing;
