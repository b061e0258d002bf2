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
    kept_plays.play_key,
    kept_plays.listener_key,
    kept_plays.played_at,
    kept_plays.date_key,
    kept_plays.time_key,
    kept_plays.track_key,
    kept_plays.recording_key,
    kept_plays.album_key,
    kept_plays.content_type,
    kept_plays.play_profile_key,
    kept_plays.reported_ms is null,
    kept_plays.best_ms
from listening.kept_plays(since, until)
where listening.is_counted(counts_as, kept_plays.best_ms, kept_plays.duration_ms, kept_plays.reason_end)
$$;

comment on function listening.counted_plays is
    'The listens from since to before until that count as plays: counts_as is 30s, half, full or all, see is_counted. '
    'Filter it by listener_key.';
