-- Every play from since to before until, with its length, without those that the listener's rules leave out; see
-- timed_plays and listening.exclusion. Within `set local brapped.with_excluded = 'on'` nothing is left out.

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
    timed_plays.play_key,
    timed_plays.listener_key,
    timed_plays.played_at,
    timed_plays.date_key,
    timed_plays.time_key,
    timed_plays.track_key,
    timed_plays.recording_key,
    timed_plays.album_key,
    timed_plays.content_type,
    timed_plays.duration_ms,
    timed_plays.context_key,
    timed_plays.device_key,
    timed_plays.play_profile_key,
    timed_plays.reason_end,
    timed_plays.is_skipped,
    timed_plays.ms_basis,
    timed_plays.reported_ms,
    timed_plays.estimated_ms,
    timed_plays.best_ms,
    timed_plays.is_session_start
from listening.timed_plays(since, until)
where
    not exists (
        select 1
        from listening.excluded_tracks() as excluded_track
        where
            excluded_track.listener_key = timed_plays.listener_key
            and excluded_track.track_key = timed_plays.track_key
            and listening.is_in_scope(
                excluded_track.context_key, excluded_track.device_keys, excluded_track.from_minute,
                excluded_track.until_minute, excluded_track.weekdays, excluded_track.since_date_key,
                excluded_track.until_date_key, timed_plays.context_key, timed_plays.device_key, timed_plays.time_key,
                timed_plays.date_key
            )
            and coalesce(current_setting('brapped.with_excluded', true), '') <> 'on'
    )
    and not exists (
        select 1
        from listening.exclusion_scope
        where
            exclusion_scope.listener_key = timed_plays.listener_key
            and not exclusion_scope.has_tracks
            and listening.is_in_scope(
                exclusion_scope.context_key, exclusion_scope.device_keys, exclusion_scope.from_minute,
                exclusion_scope.until_minute, exclusion_scope.weekdays, exclusion_scope.since_date_key,
                exclusion_scope.until_date_key, timed_plays.context_key, timed_plays.device_key, timed_plays.time_key,
                timed_plays.date_key
            )
            and coalesce(current_setting('brapped.with_excluded', true), '') <> 'on'
    )
$$;

comment on function listening.kept_plays is
    'Every listen from since to before until (use -infinity and infinity for all), with how long it lasted, without '
    'those that the rules of listening.exclusion leave out. Filter it by listener_key.';
