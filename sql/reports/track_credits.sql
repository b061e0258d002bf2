-- By
select
    dim_artist.artist_name,
    bridge_track_artist.role as artist_role,
    listening.spotify_url('spotify:artist:' || dim_artist.artist_id) as artist_url,
    bridge_track_artist.artist_key
from listening.bridge_track_artist
inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
where bridge_track_artist.track_key = :track_key
order by bridge_track_artist.position
