-- Forget that these ids were once not found.
delete from ops.catalogue_miss
where (catalogue_miss.kind, catalogue_miss.spotify_id) in (
    select
        found.kind,
        found.spotify_id
    from unnest(cast(:kinds as text[]), cast(:spotify_ids as text[])) as found (kind, spotify_id)
)
