-- Every play from since to before until, with its length, without those that the listener's rules leave out; see
-- marked_plays and listening.exclusion. Within `set local brapped.with_excluded = 'on'` nothing is left out.

create or replace function listening.kept_plays(since timestamptz, until timestamptz)
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
    marked_plays.play_key,
    marked_plays.listener_key,
    marked_plays.played_at,
    marked_plays.date_key,
    marked_plays.time_key,
    marked_plays.track_key,
    marked_plays.recording_key,
    marked_plays.album_key,
    marked_plays.content_type,
    marked_plays.duration_ms,
    marked_plays.context_key,
    marked_plays.device_key,
    marked_plays.play_profile_key,
    marked_plays.reason_end,
    marked_plays.is_skipped,
    marked_plays.ms_basis,
    marked_plays.reported_ms,
    marked_plays.estimated_ms,
    marked_plays.best_ms,
    marked_plays.is_session_start
from listening.marked_plays(since, until)
where
    (select current_setting('brapped.with_excluded', true) = 'on')
    or not marked_plays.is_excluded
$$;

comment on function listening.kept_plays is
    'Every listen from since to before until (use -infinity and infinity for all), with how long it lasted, without '
    'those that the rules of listening.exclusion leave out. Filter it by listener_key.';
