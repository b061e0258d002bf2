-- The artist of a key, if the listener ever played them. No row otherwise.
select
    dim_artist.artist_key,
    dim_artist.artist_name,
    coalesce(chosen_genre.genres, dim_artist.genres) as genres,
    listening.spotify_url('spotify:artist:' || dim_artist.artist_id) as artist_url,
    dim_artist.image_url
from listening.standing_artist
inner join listening.dim_artist on dim_artist.artist_key = standing_artist.standing_artist_key
left join listening.chosen_genre on chosen_genre.artist_key = dim_artist.artist_key
where
    standing_artist.artist_key = :artist_key
    and exists (
        select 1
        from listening.fact_play
        where
            fact_play.listener_key = :listener_key
            and fact_play.track_key in (
                select bridge_track_artist.track_key
                from listening.standing_artist as same
                inner join listening.bridge_track_artist on bridge_track_artist.artist_key = same.artist_key
                where same.standing_artist_key = standing_artist.standing_artist_key
            )
    )
