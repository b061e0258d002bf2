-- Grain: an artist and a genre of theirs.

create or replace view listening.artist_genre as
select
    dim_artist.artist_key,
    genre.genre_name
from listening.dim_artist
cross join lateral unnest(dim_artist.genres) as genre (genre_name);

comment on view listening.artist_genre is 'Genres of artists.';
comment on column listening.artist_genre.artist_key is 'The artist.';
comment on column listening.artist_genre.genre_name is 'A genre, as Spotify writes it.';
