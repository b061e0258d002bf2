-- Names under which the batch tells its tracks, and which tracks are new to one. What was matched by names before is looked
-- at again where a known track got another name, an ISRC or a length: changed_track.

create temporary table told_alias on commit drop as
select distinct
    dim_track.track_key,
    -- a line break within a name is a space here: it parts artist from title
    md5(
        replace(ops.folded(told.artist_name), chr(10), ' ') || chr(10) || replace(ops.folded(told.track_name), chr(10), ' ')
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
        case when staging_track.content_type in ('episode', 'chapter') then staging_track.album_name else staging_track.album_artist_name end
    from staging_track
) as told
inner join listening.dim_track on dim_track.track_uri = told.track_uri
where told.track_name is not null and told.artist_name is not null;

with added as (
    insert into listening.track_alias (
        track_key,
        name_hash
    )
    select
        told_alias.track_key,
        told_alias.name_hash
    from told_alias
    order by
        told_alias.track_key,
        told_alias.name_hash
    on conflict do nothing
    returning track_key
)
insert into changed_track (track_key)
select distinct added.track_key
from added
where added.track_key <= (select newest_track.track_key from newest_track)
on conflict do nothing;
