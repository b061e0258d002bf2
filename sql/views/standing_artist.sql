-- Grain: one artist, and the artist that its plays are counted for. Exports know artists by name only. Until the
-- dimensions job has described their tracks, one artist is recorded twice, by name and by id. The one by name is
-- counted for the one by id, if exactly one has that name.

create or replace view listening.standing_artist with (security_invoker = true) as
select
    dim_artist.artist_key,
    dim_artist.artist_key as standing_artist_key
from listening.dim_artist
where dim_artist.artist_id is not null
union all
select
    dim_artist.artist_key,
    coalesce(namesake.artist_key, dim_artist.artist_key)
from listening.dim_artist
left join lateral (
    select min(with_id.artist_key) as artist_key
    from listening.dim_artist as with_id
    where
        with_id.artist_id is not null
        and with_id.artist_name = dim_artist.artist_name
    having count(*) = 1
) as namesake on true
where dim_artist.artist_id is null;

comment on view listening.standing_artist is
    'Which artist to count for an artist: one known by name alone is counted for the one with an id of the same name, '
    'if there is just one.';
comment on column listening.standing_artist.artist_key is 'The artist.';
comment on column listening.standing_artist.standing_artist_key is 'The artist to count for it; mostly itself.';
