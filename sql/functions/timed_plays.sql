-- Every play from since to before until, with its length: as reported, or as estimated where no source gives it.
--
-- A play ends at played_at and started no earlier than the previous play ended. So it lasted as long as the track if
-- there was time for that (less twelve seconds, the longest crossfade), otherwise as long as there was time.
-- A session starts after more than thirty minutes of silence.

create or replace function listening.timed_plays(since timestamptz, until timestamptz)
returns table (
    play_key bigint,
    listener_key integer,
    played_at timestamptz,
    date_key integer,
    time_key smallint,
    track_key integer,
    recording_key integer,
    album_key integer,
    content_type text,
    duration_ms integer,
    context_key integer,
    device_key integer,
    play_profile_key integer,
    reason_end text,
    is_skipped boolean,
    ms_basis text,
    reported_ms integer,
    estimated_ms integer,
    best_ms integer,
    is_session_start boolean
)
language sql stable parallel safe
as $$
select
    fact_play.play_key,
    fact_play.listener_key,
    fact_play.played_at,
    fact_play.date_key,
    fact_play.time_key,
    fact_play.track_key,
    coalesce(dim_track.recording_key, dim_track.track_key),
    dim_track.album_key,
    dim_track.content_type,
    dim_track.duration_ms,
    fact_play.context_key,
    fact_play.device_key,
    fact_play.play_profile_key,
    dim_play_profile.reason_end,
    coalesce(dim_play_profile.is_skipped, dim_play_profile.reason_end = 'fwdbtn'),
    case
        when fact_play.ms_played is not null then coalesce(dim_play_profile.ms_played_basis, 'reported')
        when dim_track.duration_ms is not null then 'estimated'
    end,
    fact_play.ms_played,
    listening.estimated_ms(fact_play.since_previous_ms, dim_track.duration_ms),
    coalesce(fact_play.ms_played, listening.estimated_ms(fact_play.since_previous_ms, dim_track.duration_ms)),
    coalesce(
        fact_play.since_previous_ms
        - coalesce(fact_play.ms_played, listening.estimated_ms(fact_play.since_previous_ms, dim_track.duration_ms), 0)
        > 30 * 60 * 1000,
        true
    )
from listening.fact_play
inner join listening.dim_track on dim_track.track_key = fact_play.track_key
left join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
where
    fact_play.played_at >= since
    and fact_play.played_at < until
$$;

comment on function listening.timed_plays is
    'Every listen from since to before until (use -infinity and infinity for all), with how long it lasted. Filter it '
    'by listener_key.';
