-- Which tracks the listener's rules are about, worked out once for all parts of a report: see excluded_tracks, which
-- reads it from this setting to the end of the transaction.
select
    set_config(
        'brapped.excluded_tracks',
        concat_ws(
            ';',
            cast(:listener_key as integer),
            coalesce(array_agg(excluded_track.exclusion_key), '{}'),
            coalesce(array_agg(excluded_track.track_key), '{}'),
            coalesce(array_agg(excluded_track.is_whole), '{}')
        ),
        true
    ) <> '' as is_kept
from listening.excluded_track
where excluded_track.listener_key = :listener_key
