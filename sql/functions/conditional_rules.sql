-- The rows of listening.exclusion_scope that have to be compared with single plays, worked out once: of the rules about
-- tracks those that ask more; of the others those that ask for more than a time (see excluded_week_minutes).

create or replace function listening.conditional_rules(of_tracks boolean)
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
    exclusion_scope.has_tracks = of_tracks
    and (
        num_nonnulls(
            exclusion_scope.context_key, exclusion_scope.device_keys, exclusion_scope.since_date_key,
            exclusion_scope.until_date_key
        ) > 0
        or case
            when of_tracks then num_nonnulls(exclusion_scope.from_minute, exclusion_scope.weekdays) > 0
            else exclusion_scope.from_minute is null
        end
    )
$$;

comment on function listening.conditional_rules is
    'The rules of listening.exclusion, about tracks or not, that have to be compared with single plays.';
