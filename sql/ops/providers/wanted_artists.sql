-- Artists that a provider should be asked for, the most played first. For genres it is asked where nobody has named one,
-- and after those that come before it have not known the artist.
with heard as (
    select
        bridge_track_artist.artist_key,
        count(*) as play_count
    from listening.fact_play
    inner join listening.bridge_track_artist on bridge_track_artist.track_key = fact_play.track_key
    group by bridge_track_artist.artist_key
)
select
    dim_artist.artist_key as item_key,
    dim_artist.artist_id as spotify_id,
    dim_artist.artist_name,
    artist_identity.mbid
from heard
inner join listening.dim_artist on dim_artist.artist_key = heard.artist_key
left join listening.artist_identity
    on
        artist_identity.artist_key = dim_artist.artist_key
        and artist_identity.provider = 'musicbrainz'
left join ops.provider_miss
    on
        provider_miss.provider = :provider
        and provider_miss.kind = 'artist'
        and provider_miss.item_key = dim_artist.artist_key
where
    dim_artist.artist_id is not null
    and dim_artist.artist_key <> 0
    and case :needs
        when 'identity' then artist_identity.artist_key is null
        else
            coalesce(cardinality(dim_artist.genres), 0) = 0
            and not exists (select 1 from listening.artist_genre where artist_genre.artist_key = dim_artist.artist_key)
    end
    and (:needs <> 'genres_by_mbid' or artist_identity.mbid is not null)
    and (
        cardinality(cast(:waits_for as text[])) = 0
        or exists (
            select 1
            from ops.provider_miss as before
            where
                before.provider = any(cast(:waits_for as text[]))
                and before.kind = 'artist'
                and before.item_key = dim_artist.artist_key
        )
    )
    and (provider_miss.ask_again_at is null or provider_miss.ask_again_at <= :now)
order by
    heard.play_count desc,
    dim_artist.artist_key
limit :work_limit
