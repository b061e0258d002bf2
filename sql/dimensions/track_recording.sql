-- Join track ids that are one recording: same ISRC; or same name and artist and lengths within two seconds, unless both
-- have an ISRC and these differ. Run until no row is returned.

with described as (
    select distinct
        dim_track.track_key,
        dim_track.isrc,
        dim_track.duration_ms,
        coalesce(dim_track.recording_key, dim_track.track_key) as recording_key
    from staging_track
    inner join listening.dim_track as staged on staged.track_uri = staging_track.track_uri
    inner join listening.dim_track
        on
            dim_track.track_key = staged.track_key
            or dim_track.recording_key = staged.recording_key
    where staging_track.isrc is not null or staging_track.duration_ms is not null
),
link as (
    select
        described.recording_key,
        coalesce(dim_track.recording_key, dim_track.track_key) as other_key
    from described
    inner join listening.dim_track on dim_track.isrc = described.isrc
    union all
    select
        described.recording_key,
        coalesce(dim_track.recording_key, dim_track.track_key)
    from described
    inner join listening.track_alias as own on own.track_key = described.track_key
    inner join listening.track_alias as other on other.name_hash = own.name_hash
    inner join listening.dim_track
        on
            dim_track.track_key = other.track_key
            and abs(dim_track.duration_ms - described.duration_ms) <= 2000
            and coalesce(dim_track.isrc = described.isrc, true)
),
stands_for as (
    -- tracks that share the old key move along
    select
        greatest(link.recording_key, link.other_key) as old_key,
        min(least(link.recording_key, link.other_key)) as new_key
    from link
    where link.other_key <> link.recording_key
    group by greatest(link.recording_key, link.other_key)
),
moved as (
    update listening.dim_track
    set recording_key = stands_for.new_key
    from stands_for
    where
        dim_track.track_key = stands_for.old_key
        or dim_track.recording_key = stands_for.old_key
    returning dim_track.track_key
),
noted as (
    insert into tracks_to_rematch (track_key)
    select moved.track_key
    from moved
    where moved.track_key <= (select newest_track.track_key from newest_track)
    on conflict do nothing
),
linked as (
    insert into linked_track (track_key)
    select moved.track_key
    from moved
    on conflict do nothing
)
select moved.track_key
from moved
