-- Artists that a listener played and a person may mean: by the id at Spotify, or by name. The exact name first, then the
-- most played.
select
    dim_artist.artist_key as found_key,
    dim_artist.artist_name as found_name,
    null as by_whom,
    dim_artist.artist_id as found_id,
    coalesce(dim_artist.artist_id = :wanted_id, false)
    or listening.folded(dim_artist.artist_name) = listening.folded(:wanted) as is_exact
from (
    select
        standing_artist.standing_artist_key,
        count(*) as play_count
    from listening.fact_play
    inner join listening.bridge_track_artist on bridge_track_artist.track_key = fact_play.track_key
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
    where fact_play.listener_key = :listener_key
    group by standing_artist.standing_artist_key
) as played
inner join listening.dim_artist on dim_artist.artist_key = played.standing_artist_key
where
    dim_artist.artist_id = :wanted_id
    or strpos(listening.folded(dim_artist.artist_name), listening.folded(:wanted)) > 0
order by
    is_exact desc,
    played.play_count desc,
    found_key
limit :row_limit
