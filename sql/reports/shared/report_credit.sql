-- The artists of what a report counts (report_track), once for all its parts: the artist that plays are counted for,
-- and main if an artist is both main and featured.
create temporary table report_credit on commit drop as
select
    bridge_track_artist.track_key,
    standing_artist.standing_artist_key as artist_key,
    bool_or(bridge_track_artist.role = 'main') as is_main
from listening.bridge_track_artist
inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
where bridge_track_artist.track_key in (select report_track.track_key from report_track)
group by
    bridge_track_artist.track_key,
    standing_artist.standing_artist_key;

analyze report_credit;
