-- Remember ids that Spotify's catalogue does not know. Two notes with the same time count once.
insert into ops.catalogue_miss (
    kind,
    spotify_id,
    miss_count,
    missed_at
)
select
    missed.kind,
    missed.spotify_id,
    1,
    :now
from unnest(cast(:kinds as text[]), cast(:spotify_ids as text[])) as missed (kind, spotify_id)
on conflict (kind, spotify_id) do update
set
    miss_count = catalogue_miss.miss_count + 1,
    missed_at = excluded.missed_at
where catalogue_miss.missed_at < excluded.missed_at
