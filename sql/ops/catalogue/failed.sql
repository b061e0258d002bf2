-- Put aside ids that got no answer. Once means nothing; from the second day on it counts as not found.
insert into ops.catalogue_miss (
    kind,
    spotify_id,
    miss_count,
    missed_at
)
select
    failed.kind,
    failed.spotify_id,
    0,
    :now
from unnest(cast(:kinds as text[]), cast(:spotify_ids as text[])) as failed (kind, spotify_id)
on conflict (kind, spotify_id) do update
set
    miss_count = catalogue_miss.miss_count + 1,
    missed_at = excluded.missed_at
where catalogue_miss.missed_at < :failed_before
