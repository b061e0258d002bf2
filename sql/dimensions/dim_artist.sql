-- Artists of the batch: complete where the batch describes them in full, inferred where it only names them. A value
-- missing from an answer does not erase an earlier one. A row that would not change is not written. fetched_at alone
-- moves at most once a day, so an hourly run over the same page writes nothing.

update listening.dim_artist
set
    artist_name = merged.artist_name,
    genres = merged.genres,
    image_url = merged.image_url,
    popularity = merged.popularity,
    follower_count = merged.follower_count,
    fetched_at = merged.fetched_at
from (
    select
        dim_artist.artist_key,
        coalesce(staging_artist.artist_name, dim_artist.artist_name) as artist_name,
        case
            when jsonb_typeof(staging_artist.genres) = 'array'
                then array(select genre from jsonb_array_elements_text(staging_artist.genres) as genres (genre))
            else dim_artist.genres
        end as genres,
        coalesce(staging_artist.image_url, dim_artist.image_url) as image_url,
        coalesce(staging_artist.popularity, dim_artist.popularity) as popularity,
        coalesce(staging_artist.follower_count, dim_artist.follower_count) as follower_count,
        staging_artist.fetched_at
    from staging_artist
    inner join listening.dim_artist on dim_artist.artist_id = staging_artist.artist_id
    where staging_artist.fetched_at >= coalesce(dim_artist.fetched_at, '-infinity')
) as merged
where
    dim_artist.artist_key = merged.artist_key
    and (
        dim_artist.fetched_at is null
        or merged.fetched_at > dim_artist.fetched_at + interval '1 day'
        or (
            dim_artist.artist_name, dim_artist.genres, dim_artist.image_url,
            dim_artist.popularity, dim_artist.follower_count
        ) is distinct from (
            merged.artist_name, merged.genres, merged.image_url, merged.popularity, merged.follower_count
        )
    );

update listening.dim_artist
set artist_name = staging_artist.artist_name
from staging_artist
where
    dim_artist.artist_id = staging_artist.artist_id
    and dim_artist.artist_name is null
    and staging_artist.artist_name is not null;

insert into listening.dim_artist (
    artist_id,
    artist_name,
    genres,
    image_url,
    popularity,
    follower_count,
    fetched_at
)
select
    staging_artist.artist_id,
    staging_artist.artist_name,
    case
        when jsonb_typeof(staging_artist.genres) = 'array'
            then array(select genre from jsonb_array_elements_text(staging_artist.genres) as genres (genre))
    end,
    staging_artist.image_url,
    staging_artist.popularity,
    staging_artist.follower_count,
    staging_artist.fetched_at
from staging_artist
where
    not exists (
        select 1
        from listening.dim_artist
        where dim_artist.artist_id = staging_artist.artist_id
    )
    and not exists (
        select 1
        from listening.dim_artist
        where
            staging_artist.artist_id is null
            and dim_artist.artist_id is null
            and dim_artist.artist_name = staging_artist.artist_name
    )
    and (
        staging_artist.artist_id is not null
        -- a name alone is needed only for a local file, whose list may change, and a track of which no artist has an id
        or staging_artist.artist_name in (
            select staging_track_artist.artist_name
            from staging_track_artist
            left join listening.dim_track on dim_track.track_uri = staging_track_artist.track_uri
            left join listening.bridge_track_artist on bridge_track_artist.track_key = dim_track.track_key
            left join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
            where
                staging_track_artist.artist_id is null
                and (
                    dim_artist.artist_id is null
                    or staging_track_artist.track_uri like 'spotify:local:%'
                )
        )
    )
order by
    staging_artist.artist_id,
    staging_artist.artist_name
on conflict do nothing;
