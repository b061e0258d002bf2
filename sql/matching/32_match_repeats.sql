-- Plays that are left over although another play of their source is matched already: where a source tells a play again
-- under a later date, a source that repeats it without ids repeats that too; and a play by two artists may be listed
-- under either name. They belong to the play that has their name and milliseconds at their date.

create temporary table left_over on commit drop as
select
    source_play.source_play_number,
    source_play.source_key,
    source_play.track_key,
    source_play.observed_at,
    source_play.ms_played,
    match_rule.other_source_key,
    source.precision_s
from source_play
inner join ops.match_rule
    on
        match_rule.source_key = source_play.source_key
        and match_rule.compared = 'name and milliseconds'
inner join listening.source on source.source_key = source_play.source_key
left join play_member on play_member.source_play_number = source_play.source_play_number
left join (
    select several.play_number
    from play_member as several
    group by several.play_number
    having count(*) > 1
) as matched on matched.play_number = play_member.play_number
where matched.play_number is null;

with standing as (
    select
        play_member.play_number,
        near_observation.source_key,
        near_observation.track_key,
        near_observation.observed_at,
        near_observation.ms_played
    from play_member
    inner join near_observation on near_observation.source_play_number = play_member.source_play_number
    where exists (select 1 from left_over)
),
found as (
    select
        left_over.source_play_number,
        min(standing.play_number) as play_number
    from left_over
    inner join standing
        on
            (
                standing.source_key = left_over.other_source_key
                or standing.source_key = left_over.source_key
            )
            and standing.ms_played = left_over.ms_played
            and standing.observed_at >= left_over.observed_at
            and standing.observed_at < left_over.observed_at + left_over.precision_s * interval '1 second'
    where
        exists (
            select 1
            from play_member
            inner join source_play on source_play.source_play_number = play_member.source_play_number
            inner join listening.track_namesake on track_namesake.namesake_track_key = source_play.track_key
            where
                play_member.play_number = standing.play_number
                and track_namesake.track_key = left_over.track_key
        )
        and not exists (
            select 1
            from play_member
            where
                play_member.play_number = left_over.source_play_number
                and play_member.source_play_number = standing.play_number
        )
    group by left_over.source_play_number
),
forgotten as (
    delete from play_member
    using found
    where play_member.source_play_number = found.source_play_number
)
insert into play_member (
    source_play_number,
    play_number,
    is_left_over
)
select
    found.source_play_number,
    found.play_number,
    true
from found
where found.play_number <> found.source_play_number;
