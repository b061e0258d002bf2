-- Genres of what a listener played. Spellings that differ in case are one, named as most plays have it, as in
-- top_genres. The exact one first, then the most played.
select
    0 as found_key,
    (array_agg(spelling.genre_name order by spelling.play_count desc, spelling.genre_name))[1] as found_name,
    null as by_whom,
    null as found_id,
    lower(spelling.genre_name) = lower(:wanted) as is_exact
from (
    select
        genre.genre_name,
        sum(played.play_count) as play_count
    from (
        select
            fact_play.track_key,
            count(*) as play_count
        from listening.fact_play
        where fact_play.listener_key = :listener_key
        group by fact_play.track_key
    ) as played
    inner join listening.bridge_track_artist
        on
            bridge_track_artist.track_key = played.track_key
            and bridge_track_artist.role = 'main'
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
    inner join listening.chosen_genre on chosen_genre.artist_key = standing_artist.standing_artist_key
    cross join lateral unnest(chosen_genre.genres) as genre (genre_name)
    where strpos(lower(genre.genre_name), lower(:wanted)) > 0
    group by genre.genre_name
) as spelling
group by lower(spelling.genre_name)
order by
    is_exact desc,
    sum(spelling.play_count) desc,
    found_name
limit :row_limit
