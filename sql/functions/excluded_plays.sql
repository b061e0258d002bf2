-- Grain: a rule and a play from since to before until that it leaves out. A play can be left out by several rules.

create or replace function listening.excluded_plays(since timestamptz, until timestamptz)
returns table (
    exclusion_key integer,
    listener_key integer,
    play_key bigint,
    listened_ms integer,
    duration_ms integer,
    reason_end text
)
language sql stable parallel safe
as $$
select
    excluded_track.exclusion_key,
    timed_plays.listener_key,
    timed_plays.play_key,
    timed_plays.best_ms,
    timed_plays.duration_ms,
    timed_plays.reason_end
from listening.timed_plays(since, until)
inner join listening.excluded_tracks() as excluded_track
    on
        excluded_track.listener_key = timed_plays.listener_key
        and excluded_track.track_key = timed_plays.track_key
inner join listening.exclusion_scope
    on
        exclusion_scope.listener_key = excluded_track.listener_key
        and exclusion_scope.exclusion_key = excluded_track.exclusion_key
where
    excluded_track.is_whole
    or listening.is_in_scope(
        exclusion_scope.context_key, exclusion_scope.device_keys, exclusion_scope.from_minute,
        exclusion_scope.until_minute, exclusion_scope.weekdays, exclusion_scope.since_date_key,
        exclusion_scope.until_date_key, timed_plays.context_key, timed_plays.device_key, timed_plays.time_key,
        timed_plays.date_key
    )
union all
select
    exclusion_scope.exclusion_key,
    timed_plays.listener_key,
    timed_plays.play_key,
    timed_plays.best_ms,
    timed_plays.duration_ms,
    timed_plays.reason_end
from listening.timed_plays(since, until)
inner join listening.exclusion_scope
    on
        exclusion_scope.listener_key = timed_plays.listener_key
        and not exclusion_scope.has_tracks
        and listening.is_in_scope(
            exclusion_scope.context_key, exclusion_scope.device_keys, exclusion_scope.from_minute,
            exclusion_scope.until_minute, exclusion_scope.weekdays, exclusion_scope.since_date_key,
            exclusion_scope.until_date_key, timed_plays.context_key, timed_plays.device_key, timed_plays.time_key,
            timed_plays.date_key
        )
$$;

comment on function listening.excluded_plays is
    'Which listens from since to before until the rules of listening.exclusion leave out, one row a rule and listen. '
    'Filter it by listener_key.';
