-- Of the tracks found for each name, the one that it is: same title and artist as a recorded alias, and long enough for
-- its longest play. Of several the shortest, as in dimensions/track_recording.sql, then the first found.
select distinct on (hit.track_uri)
    hit.track_uri,
    hit.hit_number
from unnest(
    cast(:track_uris as text[]),
    cast(:hit_numbers as integer[]),
    cast(:track_names as text[]),
    cast(:artist_names as text[]),
    cast(:duration_mss as integer[])
) as hit (track_uri, hit_number, track_name, artist_name, duration_ms)
inner join listening.dim_track on dim_track.track_uri = hit.track_uri
inner join listening.track_alias
    on
        track_alias.track_key = dim_track.track_key
        -- as in dimensions/track_alias.sql
        and track_alias.name_hash = md5(
            replace(ops.folded(hit.artist_name), chr(10), ' ') || chr(10)
            || replace(ops.folded(hit.track_name), chr(10), ' ')
        )::uuid
where coalesce(hit.duration_ms >= dim_track.longest_ms - 2000, true)
order by
    hit.track_uri,
    hit.duration_ms,
    hit.hit_number
