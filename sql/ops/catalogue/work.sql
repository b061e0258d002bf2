-- What the dimensions job should ask Spotify for: inferred members first, the most played first; then members described
-- before the given moment, oldest first. Without ids that Spotify did not know lately, or often enough.
with heard as (
    select
        fact_play.track_key,
        count(*) as play_count
    from listening.fact_play
    group by fact_play.track_key
),
wanted as (
    select
        'artist' as kind,
        dim_artist.artist_id as spotify_id,
        dim_artist.fetched_at,
        sum(heard.play_count) as play_count
    from listening.dim_artist
    left join listening.bridge_track_artist on bridge_track_artist.artist_key = dim_artist.artist_key
    left join heard on heard.track_key = bridge_track_artist.track_key
    where
        dim_artist.artist_id is not null
        and (dim_artist.fetched_at is null or dim_artist.fetched_at < :refresh_before)
    group by dim_artist.artist_key
    union all
    select
        dim_track.content_type,
        dim_track.track_id,
        dim_track.fetched_at,
        heard.play_count
    from listening.dim_track
    left join heard on heard.track_key = dim_track.track_key
    where
        dim_track.track_id is not null
        and dim_track.content_type in ('track', 'episode')
        and (dim_track.fetched_at is null or dim_track.fetched_at < :refresh_before)
    union all
    select
        'album',
        dim_album.album_id,
        dim_album.fetched_at,
        sum(heard.play_count)
    from listening.dim_album
    left join listening.dim_track on dim_track.album_key = dim_album.album_key
    left join heard on heard.track_key = dim_track.track_key
    where
        dim_album.album_id is not null
        and coalesce(dim_album.album_type, 'album') in ('album', 'single', 'compilation', 'ep')
        and (dim_album.fetched_at is null or dim_album.fetched_at < :refresh_before)
    group by dim_album.album_key
)
select
    wanted.kind,
    wanted.spotify_id,
    wanted.fetched_at is null as is_missing
from wanted
left join ops.catalogue_miss
    on
        catalogue_miss.kind = wanted.kind
        and catalogue_miss.spotify_id = wanted.spotify_id
where
    catalogue_miss.miss_count is null
    or (
        catalogue_miss.miss_count = 0
        and catalogue_miss.missed_at < :failed_before
    )
    or (
        catalogue_miss.miss_count between 1 and :miss_limit - 1
        and catalogue_miss.missed_at < :miss_before
    )
order by
    wanted.fetched_at is not null,
    case when wanted.fetched_at is null then coalesce(wanted.play_count, 0) end desc nulls last,
    wanted.fetched_at,
    wanted.kind,
    wanted.spotify_id
limit :work_limit
