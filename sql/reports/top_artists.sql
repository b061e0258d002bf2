-- Most played artists
select
    dim_artist.artist_name,
    dim_artist.genres,
    count(*) as play_count,
    count(*) filter (where bridge_track_artist.role = 'featured') as featured_play_count
from listening.fact_play
inner join listening.bridge_track_artist on bridge_track_artist.track_key = fact_play.track_key
inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
where fact_play.listener_key = :listener_key
group by dim_artist.artist_key
order by
    count(*) desc,
    dim_artist.artist_name
limit :row_limit
