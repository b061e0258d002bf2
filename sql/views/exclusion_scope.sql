-- Grain: a rule of what is left out, with what it asks of a play besides its track (see excluded_track).

create or replace view listening.exclusion_scope with (security_invoker = true) as
select
    exclusion.listener_key,
    exclusion.exclusion_key,
    num_nonnulls(
        exclusion.artist_key, exclusion.track_key, exclusion.album_key, exclusion.genre_name
    ) > 0 as has_tracks,
    exclusion.context_key,
    case when exclusion.device_name is not null then listening.device_keys(exclusion.device_name) end as device_keys,
    exclusion.from_minute,
    exclusion.until_minute,
    exclusion.weekdays,
    to_char(exclusion.since_date, 'yyyymmdd')::integer as since_date_key,
    to_char(exclusion.until_date, 'yyyymmdd')::integer as until_date_key
from listening.exclusion;

comment on view listening.exclusion_scope is
    'What the rules of listening.exclusion ask of a play besides its track.';
comment on column listening.exclusion_scope.listener_key is 'Whose rule.';
comment on column listening.exclusion_scope.exclusion_key is 'Number of the rule.';
comment on column listening.exclusion_scope.has_tracks is 'Whether it is about certain tracks: see excluded_track.';
comment on column listening.exclusion_scope.context_key is 'From where it must be played. Null: from anywhere.';
comment on column listening.exclusion_scope.device_keys is 'On which devices it must be played. Null: on any.';
comment on column listening.exclusion_scope.from_minute is 'From which local minute of the day on. Null: at any time.';
comment on column listening.exclusion_scope.until_minute is 'Until before which local minute of the day.';
comment on column listening.exclusion_scope.weekdays is 'On which local weekdays, 1 for Monday to 7. Null: on any.';
comment on column listening.exclusion_scope.since_date_key is 'From which local date on, as in dim_date. Null: always.';
comment on column listening.exclusion_scope.until_date_key is 'Up to and including which local date. Null: always.';
