-- How much each provider has told, of how many played tracks and artists; without providers that have told nothing and
-- were not asked.
with heard as (
    select distinct fact_play.track_key
    from listening.fact_play
),
played as (
    select
        (
            select count(*)
            from heard
            inner join listening.dim_track on dim_track.track_key = heard.track_key
            where
                dim_track.content_type = 'track'
                and dim_track.track_id is not null
        ) as track_count,
        (
            select count(distinct bridge_track_artist.artist_key)
            from heard
            inner join listening.bridge_track_artist on bridge_track_artist.track_key = heard.track_key
            inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
            where dim_artist.artist_id is not null
        ) as artist_count
),
feature as (
    select
        track_feature.provider,
        count(*) as feature_count,
        sum(track_feature.out_of_range_count) as out_of_range_count
    from listening.track_feature
    group by track_feature.provider
),
genre as (
    select
        artist_genre.provider,
        count(*) as genre_count
    from listening.artist_genre
    group by artist_genre.provider
    union all
    select
        'spotify',
        count(*)
    from listening.dim_artist
    where cardinality(dim_artist.genres) > 0
),
identity as (
    select
        artist_identity.provider,
        count(*) as identity_count
    from listening.artist_identity
    group by artist_identity.provider
),
miss as (
    select
        provider_miss.provider,
        count(distinct (provider_miss.kind = 'artist', provider_miss.item_key)) as miss_count
    from ops.provider_miss
    group by provider_miss.provider
)
select
    provider.provider,
    provider.provider_name,
    coalesce(feature.feature_count, 0) as feature_count,
    coalesce(genre.genre_count, 0) as genre_count,
    coalesce(identity.identity_count, 0) as identity_count,
    coalesce(miss.miss_count, 0) as miss_count,
    coalesce(feature.out_of_range_count, 0) as out_of_range_count,
    played.track_count,
    played.artist_count
from listening.provider
cross join played
left join feature on feature.provider = provider.provider
left join genre on genre.provider = provider.provider
left join identity on identity.provider = provider.provider
left join miss on miss.provider = provider.provider
where
    coalesce(feature.feature_count, genre.genre_count, identity.identity_count, miss.miss_count) is not null
    and (provider.provider <> 'spotify' or genre.genre_count > 0)
order by
    coalesce(provider.feature_rank, 100),
    coalesce(provider.genre_rank, 0)
