-- Grain: one artist whose genres are known, and who told them: the provider of the lowest rank that names one.

create or replace view listening.chosen_genre with (security_invoker = true) as
select distinct on (known.artist_key)
    known.artist_key,
    known.genres,
    known.provider,
    provider.provider_name
from (
    select
        dim_artist.artist_key,
        dim_artist.genres,
        'spotify' as provider
    from listening.dim_artist
    where cardinality(dim_artist.genres) > 0
    union all
    select
        artist_genre.artist_key,
        artist_genre.genres,
        artist_genre.provider
    from listening.artist_genre
) as known
inner join listening.provider on provider.provider = known.provider
order by
    known.artist_key,
    provider.genre_rank;

comment on view listening.chosen_genre is
    'Genres by artist_key, from the first provider in listening.provider that names one. An artist without is missing.';
comment on column listening.chosen_genre.artist_key is 'The artist.';
comment on column listening.chosen_genre.genres is 'Genres, never empty; what the program saves is in lower case.';
comment on column listening.chosen_genre.provider is 'Who told them; spotify is Spotify itself.';
comment on column listening.chosen_genre.provider_name is 'Their name for people.';
