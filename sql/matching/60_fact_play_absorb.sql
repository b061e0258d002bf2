-- Delete recorded plays that turned out to be the same as another one, and record which play absorbed them.

with target as (
    select
        origin.play_key,
        min(resolved_play.play_key) as merged_into
    from origin
    left join play_match on play_match.other_number = origin.source_play_number
    inner join resolved_play
        on resolved_play.resolved_number = coalesce(play_match.source_play_number, origin.source_play_number)
    where
        origin.is_primary
        and not exists (
            select 1
            from resolved_play as claimed
            where claimed.play_key = origin.play_key
        )
    group by origin.play_key
),
gone as (
    delete from listening.fact_play
    using
        recorded_play,
        target
    where
        fact_play.listener_key = :listener_key
        and fact_play.played_at = recorded_play.played_at
        and fact_play.play_key = recorded_play.play_key
        and recorded_play.play_key = target.play_key
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
