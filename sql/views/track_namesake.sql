-- Grain: two tracks that have a name and an artist in common, in either order; each track is its own namesake, too.

create or replace view listening.track_namesake with (security_invoker = true) as
select
    track_alias.track_key,
    namesake.track_key as namesake_track_key
from listening.track_alias
inner join listening.track_alias as namesake on namesake.name_hash = track_alias.name_hash;

comment on view listening.track_namesake is
    'Tracks that some source reports under the same name and artist: what sources without ids are matched by. A row '
    'per name in common, and each track with itself.';
comment on column listening.track_namesake.track_key is 'A track.';
comment on column listening.track_namesake.namesake_track_key is
    'A track that has a name and artist in common with it.';
