-- The artists of the tracks of the batch. A list that changed replaces the recorded one; the same list is not written.
-- An export names one artist per track, without an id: that of its latest play counts, where no list with ids is
-- recorded.

create temporary table artist_by_name on commit drop as
select
    dim_artist.artist_key,
    dim_artist.artist_name
from listening.dim_artist
where
    dim_artist.artist_id is null
    and dim_artist.artist_name in (select staging_track_artist.artist_name from staging_track_artist);

analyze artist_by_name;

-- tracks whose artists are recorded, and whether one of them has an id
create temporary table recorded_track_artist on commit drop as
select
    dim_track.track_uri,
    bool_or(dim_artist.artist_id is not null) as has_id
from (
    select distinct staging_track_artist.track_uri
    from staging_track_artist
) as staged
inner join listening.dim_track on dim_track.track_uri = staged.track_uri
inner join listening.bridge_track_artist on bridge_track_artist.track_key = dim_track.track_key
inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
group by dim_track.track_uri;

analyze recorded_track_artist;

create temporary table keyed_track_artist on commit drop as
select
    staging_track_artist.track_uri,
    staging_track_artist.artist_id,
    staging_track_artist.artist_name,
    coalesce(artist_with_id.artist_key, artist_by_name.artist_key, 0) as artist_key,
    staging_track_artist.position,
    staging_track_artist.role,
    staging_track_artist.weight
from staging_track_artist
left join listening.dim_artist as artist_with_id on artist_with_id.artist_id = staging_track_artist.artist_id
left join artist_by_name
    on
        staging_track_artist.artist_id is null
        and artist_by_name.artist_name = staging_track_artist.artist_name;

create temporary table staged_track_artist on commit drop as
select distinct on (dim_track.track_key, keyed_track_artist.position)
    dim_track.track_key,
    keyed_track_artist.artist_key,
    keyed_track_artist.position,
    keyed_track_artist.role,
    keyed_track_artist.weight
from keyed_track_artist
inner join listening.dim_track on dim_track.track_uri = keyed_track_artist.track_uri
left join staged_track on staged_track.track_uri = keyed_track_artist.track_uri
left join recorded_track_artist on recorded_track_artist.track_uri = keyed_track_artist.track_uri
where
    keyed_track_artist.artist_id is not null
    or keyed_track_artist.track_uri like 'spotify:local:%'
    or (
        (staged_track.is_latest_name or recorded_track_artist.track_uri is null)
        -- several files may name one track differently; a source that lists several artists numbers them
        and (
            keyed_track_artist.artist_name = staged_track.album_artist_name
            or staged_track.album_artist_name is null
            or staged_track.named_at is null
            or keyed_track_artist.position > 1
        )
        and not coalesce(recorded_track_artist.has_id, false)
    )
order by
    dim_track.track_key,
    keyed_track_artist.position,
    keyed_track_artist.artist_name;

delete from listening.bridge_track_artist
where
    bridge_track_artist.track_key in (select staged_track_artist.track_key from staged_track_artist)
    and not exists (
        select 1
        from staged_track_artist
        where
            staged_track_artist.track_key = bridge_track_artist.track_key
            and staged_track_artist.artist_key = bridge_track_artist.artist_key
    );

insert into listening.bridge_track_artist (
    track_key,
    artist_key,
    position,
    role,
    weight
)
select
    staged_track_artist.track_key,
    staged_track_artist.artist_key,
    staged_track_artist.position,
    staged_track_artist.role,
    staged_track_artist.weight
from staged_track_artist
where
    not exists (
        select 1
        from listening.bridge_track_artist
        where
            bridge_track_artist.track_key = staged_track_artist.track_key
            and bridge_track_artist.artist_key = staged_track_artist.artist_key
            and bridge_track_artist.position = staged_track_artist.position
            and bridge_track_artist.role = staged_track_artist.role
            and bridge_track_artist.weight = staged_track_artist.weight
    )
order by
    staged_track_artist.track_key,
    staged_track_artist.artist_key
on conflict (track_key, artist_key) do update
set
    position = excluded.position,
    role = excluded.role,
    weight = excluded.weight;
