-- The rows of listening.exclusion_scope that have to be compared with single plays, because they are about tracks and more,
-- or about more than a time (see excluded_tracks and excluded_week_minutes): worked out once.

create or replace function listening.conditional_rules()
returns setof listening.exclusion_scope
language sql stable parallel safe
rows 5 cost 1
set jit = off
as $$
select
    exclusion_scope.listener_key,
    exclusion_scope.exclusion_key,
    exclusion_scope.has_tracks,
    exclusion_scope.context_key,
    exclusion_scope.device_keys,
    exclusion_scope.from_minute,
    exclusion_scope.until_minute,
    exclusion_scope.weekdays,
    exclusion_scope.since_date_key,
    exclusion_scope.until_date_key
from listening.exclusion_scope
where
    num_nonnulls(
        exclusion_scope.context_key, exclusion_scope.device_keys, exclusion_scope.from_minute,
        exclusion_scope.weekdays, exclusion_scope.since_date_key, exclusion_scope.until_date_key
    ) > 0
    and not (
        not exclusion_scope.has_tracks
        and exclusion_scope.from_minute is not null
        and num_nonnulls(
            exclusion_scope.context_key, exclusion_scope.device_keys, exclusion_scope.since_date_key,
            exclusion_scope.until_date_key
        ) = 0
    )
$$;

comment on function listening.conditional_rules is
    'The rules of listening.exclusion that have to be compared with single plays.';
