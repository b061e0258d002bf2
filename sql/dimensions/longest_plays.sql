-- The longest play of each name in name_to_measure, anew from what observations say now: whose they are makes no
-- difference, but one that is gone tells nothing. Names whose longest play changed are looked at again.
with measured as (
    update listening.dim_track
    set longest_ms = present.longest_ms
    from (
        select
            name_to_measure.track_key,
            max(observation.ms_played) as longest_ms
        from name_to_measure
        left join listening.observation on observation.track_key = name_to_measure.track_key
        group by name_to_measure.track_key
    ) as present
    where
        dim_track.track_key = present.track_key
        and dim_track.longest_ms is distinct from present.longest_ms
    returning dim_track.track_key
),
changed as (
    insert into changed_track (track_key)
    select measured.track_key
    from measured
    on conflict do nothing
)
insert into tracks_to_rematch (track_key)
select measured.track_key
from measured
on conflict do nothing
