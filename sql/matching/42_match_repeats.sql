-- Match account export rows that repeat a play for which another of its rows is matched already. When the extended
-- export repeats a play under a later date, the account export repeats it in the minute of that date. And a play by two
-- artists may be listed under either name.

insert into play_match (
    source_play_number,
    other_number,
    other_source
)
select
    min(stands.source_play_number),
    minuted.source_play_number,
    'account_export'
from source_play as minuted
inner join (
    select
        exported.source_play_number,
        exported.track_key,
        date_trunc('minute', exported.last_observed_at) as observed_at,
        exported.ms_played
    from source_play as exported
    where
        exported.source = 'extended_export'
        and exported.last_observed_at > exported.observed_at
    union all
    select
        play_match.source_play_number,
        matched.track_key,
        paired.observed_at,
        paired.ms_played
    from play_match
    inner join source_play as paired on paired.source_play_number = play_match.other_number
    inner join source_play as matched on matched.source_play_number = play_match.source_play_number
    where play_match.other_source = 'account_export'
) as stands
    on
        stands.observed_at = minuted.observed_at
        and stands.ms_played = minuted.ms_played
where
    minuted.source = 'account_export'
    and minuted.source_play_number not in (select play_match.other_number from play_match)
    and exists (
        select 1
        from listening.track_namesake
        where
            track_namesake.track_key = minuted.track_key
            and track_namesake.namesake_track_key = stands.track_key
    )
group by minuted.source_play_number;
