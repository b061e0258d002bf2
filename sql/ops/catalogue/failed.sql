-- Put aside ids that got no answer. Once means nothing; from the second day on it counts as not found. Of a name it
-- never does: a search that fails says nothing about it, so after a miss the pause stays as it is.
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
    miss_count = catalogue_miss.miss_count + case when catalogue_miss.kind = 'name' then 0 else 1 end,
    missed_at = excluded.missed_at
where
    catalogue_miss.missed_at < :failed_before
    and (catalogue_miss.kind <> 'name' or catalogue_miss.miss_count = 0)
