-- A genre, in any case of its letters, of which the listener has played something. No row: never played.
select
    genre.genre_name as key,
    genre.genre_name as name
from (values (cast(:key as text))) as genre (genre_name)
where
    exists (
        select 1
        from listening.chosen_genre
        inner join listening.standing_artist on standing_artist.standing_artist_key = chosen_genre.artist_key
        inner join listening.bridge_track_artist
            on
                bridge_track_artist.artist_key = standing_artist.artist_key
                and bridge_track_artist.role = 'main'
        inner join listening.fact_play on fact_play.track_key = bridge_track_artist.track_key
        where
            lower(genre.genre_name) in (select lower(spelling.word) from unnest(chosen_genre.genres) as spelling (word))
            and fact_play.listener_key = :listener_key
    )
