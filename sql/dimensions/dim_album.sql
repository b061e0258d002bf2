-- Albums of the batch, merged as in dim_artist.sql. An album without an id is identified by its name and artist.

update listening.dim_album
set
    album_name = merged.album_name,
    album_artist_name = merged.album_artist_name,
    album_type = merged.album_type,
    release_date = merged.release_date,
    release_date_precision = merged.release_date_precision,
    track_count = merged.track_count,
    label = merged.label,
    popularity = merged.popularity,
    image_url = merged.image_url,
    fetched_at = merged.fetched_at
from (
    select
        dim_album.album_key,
        coalesce(staging_album.album_name, dim_album.album_name) as album_name,
        coalesce(staging_album.album_artist_name, dim_album.album_artist_name) as album_artist_name,
        coalesce(staging_album.album_type, dim_album.album_type) as album_type,
        coalesce(staging_album.release_date, dim_album.release_date) as release_date,
        case
            when staging_album.release_date is null then dim_album.release_date_precision
            else staging_album.release_date_precision
        end as release_date_precision,
        coalesce(staging_album.track_count, dim_album.track_count) as track_count,
        coalesce(staging_album.label, dim_album.label) as label,
        coalesce(staging_album.popularity, dim_album.popularity) as popularity,
        coalesce(staging_album.image_url, dim_album.image_url) as image_url,
        coalesce(staging_album.fetched_at, dim_album.fetched_at) as fetched_at
    from staging_album
    inner join listening.dim_album on dim_album.album_id = staging_album.album_id
    where coalesce(staging_album.fetched_at >= dim_album.fetched_at, dim_album.fetched_at is null)
) as merged
where
    dim_album.album_key = merged.album_key
    and (
        (dim_album.fetched_at is null and merged.fetched_at is not null)
        or merged.fetched_at > dim_album.fetched_at + interval '1 day'
        or (
            dim_album.album_name, dim_album.album_artist_name, dim_album.album_type,
            dim_album.release_date, dim_album.release_date_precision, dim_album.track_count,
            dim_album.label, dim_album.popularity, dim_album.image_url
        ) is distinct from (
            merged.album_name, merged.album_artist_name, merged.album_type,
            merged.release_date, merged.release_date_precision, merged.track_count,
            merged.label, merged.popularity, merged.image_url
        )
    );

insert into listening.dim_album (
    album_id,
    album_name,
    album_artist_name,
    album_type,
    release_date,
    release_date_precision,
    track_count,
    label,
    popularity,
    image_url,
    fetched_at
)
select
    staging_album.album_id,
    staging_album.album_name,
    staging_album.album_artist_name,
    staging_album.album_type,
    staging_album.release_date,
    staging_album.release_date_precision,
    staging_album.track_count,
    staging_album.label,
    staging_album.popularity,
    staging_album.image_url,
    staging_album.fetched_at
from staging_album
where
    not exists (
        select 1
        from listening.dim_album
        where dim_album.album_id = staging_album.album_id
    )
    and not exists (
        select 1
        from listening.dim_album
        where
            staging_album.album_id is null
            and dim_album.album_id is null
            and dim_album.album_name = staging_album.album_name
            and dim_album.album_artist_name is not distinct from staging_album.album_artist_name
    )
    and (
        staging_album.album_id is not null
        -- a name alone is needed only for a track that nothing describes further
        or staging_album.album_name in (
            select staging_track.album_name
            from staging_track
            left join listening.dim_track on dim_track.track_uri = staging_track.track_uri
            where
                staging_track.album_id is null
                and coalesce(dim_track.album_key, 0) = 0
        )
    )
order by
    staging_album.album_id,
    staging_album.album_name,
    staging_album.album_artist_name
on conflict do nothing;
