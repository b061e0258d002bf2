-- The counted plays from since to before until, by the minimum 30s, half, full or all; see is_counted.

create or replace function listening.counted_plays(counts_as text, since timestamptz, until timestamptz)
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
    play_profile_key integer,
    is_estimated boolean,
    listened_ms integer
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
    timed_plays.play_profile_key,
    timed_plays.reported_ms is null,
    timed_plays.best_ms
from listening.timed_plays(since, until)
where listening.is_counted(counts_as, timed_plays.best_ms, timed_plays.duration_ms, timed_plays.reason_end)
$$;

comment on function listening.counted_plays is
    'The listens from since to before until that count as plays: counts_as is 30s, half, full or all, see is_counted. '
    'Filter it by listener_key.';
