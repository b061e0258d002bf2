-- An artist whom the listener has played, under the key that plays are counted for. No row: never played.
select
    dim_artist.artist_key as key,
    dim_artist.artist_name as name,
    cast(null as text) as artist_names,
    listening.spotify_url('spotify:artist:' || dim_artist.artist_id) as url,
    dim_artist.image_url,
    coalesce(chosen_genre.genres, dim_artist.genres) as genres
from listening.standing_artist as standing
inner join listening.dim_artist on dim_artist.artist_key = standing.standing_artist_key
left join listening.chosen_genre on chosen_genre.artist_key = dim_artist.artist_key
where
    standing.artist_key = :key
    and exists (
        select 1
        from listening.standing_artist
        inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
        inner join listening.fact_play on fact_play.track_key = bridge_track_artist.track_key
        where
            standing_artist.standing_artist_key = standing.standing_artist_key
            and fact_play.listener_key = :listener_key
    )
