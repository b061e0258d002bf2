-- Names that the batch gives its tracks. Recorded tracks that gained a name, an ISRC or a length go into
-- tracks_to_rematch, because plays may have been matched by name before.

create temporary table batch_alias on commit drop as
select distinct
    dim_track.track_key,
    -- a line break separates artist and title, so one within a name becomes a space
    md5(
        replace(ops.folded(named.artist_name), chr(10), ' ')
        || chr(10)
        || replace(ops.folded(named.track_name), chr(10), ' ')
    )::uuid as name_hash
from (
    select
        staging_track.track_uri,
        staging_track.track_name,
        staging_track_artist.artist_name
    from staging_track
    inner join staging_track_artist on staging_track_artist.track_uri = staging_track.track_uri
    union
    select
        staging_track.track_uri,
        staging_track.track_name,
        case
            when staging_track.content_type in ('episode', 'chapter') then staging_track.album_name
            else staging_track.album_artist_name
        end
    from staging_track
) as named
inner join listening.dim_track on dim_track.track_uri = named.track_uri
where named.track_name is not null and named.artist_name is not null;

with added as (
    insert into listening.track_alias (
        track_key,
        name_hash
    )
    select
        batch_alias.track_key,
        batch_alias.name_hash
    from batch_alias
    order by
        batch_alias.track_key,
        batch_alias.name_hash
    on conflict do nothing
    returning track_key
),
changed as (
    insert into changed_track (track_key)
    select distinct added.track_key
    from added
    on conflict do nothing
)
insert into tracks_to_rematch (track_key)
select distinct added.track_key
from added
where added.track_key <= (select newest_track.track_key from newest_track)
on conflict do nothing;
