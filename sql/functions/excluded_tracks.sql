-- The rows of listening.excluded_track, worked out once and on their own (a function with settings is never taken apart
-- by the planner), because who joins plays to that view has no idea how few rows it has.

create or replace function listening.excluded_tracks()
returns setof listening.excluded_track
language sql stable parallel safe
rows 500
set jit = off
as $$
select
    excluded_track.listener_key,
    excluded_track.exclusion_key,
    excluded_track.track_key,
    excluded_track.context_key,
    excluded_track.device_keys,
    excluded_track.from_minute,
    excluded_track.until_minute,
    excluded_track.weekdays,
    excluded_track.since_date_key,
    excluded_track.until_date_key
from listening.excluded_track
$$;

comment on function listening.excluded_tracks is 'The rows of listening.excluded_track, for joins with plays.';
