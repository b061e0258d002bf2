-- Grain: one track. Who made it, as a text for people: all artists, and main and featured ones apart.

create or replace view listening.track_credit with (security_invoker = true) as
select
    bridge_track_artist.track_key,
    string_agg(dim_artist.artist_name, ', ' order by bridge_track_artist.position) as artist_names,
    string_agg(dim_artist.artist_name, ', ' order by bridge_track_artist.position)
        filter (where bridge_track_artist.role = 'main') as main_artist_names,
    string_agg(dim_artist.artist_name, ', ' order by bridge_track_artist.position)
        filter (where bridge_track_artist.role = 'featured') as featured_artist_names,
    (array_agg(dim_artist.artist_name order by bridge_track_artist.position))[1] as first_artist_name,
    jsonb_agg(
        jsonb_build_array(dim_artist.artist_key, dim_artist.artist_name) order by bridge_track_artist.position
    ) as artists
from listening.bridge_track_artist
inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
group by bridge_track_artist.track_key;

comment on view listening.track_credit is
    'Who made a track, as a text for people: all artists, and main and featured ones apart. One row a track that '
    'names an artist.';
comment on column listening.track_credit.track_key is 'The track.';
comment on column listening.track_credit.artist_names is 'All artists in the order of the credit, joined by commas.';
comment on column listening.track_credit.main_artist_names is 'The main artists, joined by commas.';
comment on column listening.track_credit.featured_artist_names is
    'The featured artists, joined by commas; null when there is none.';
comment on column listening.track_credit.first_artist_name is 'Whoever stands first.';
comment on column listening.track_credit.artists is
    'All artists in the order of the credit, each as [artist_key, artist_name]: for links.';
