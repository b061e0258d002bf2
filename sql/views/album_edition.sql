-- Grain: an album and an edition of it: albums of one name by the same artists count as one, each is its own edition,
-- too. Shows and audiobooks have no editions.

create or replace view listening.album_edition with (security_invoker = true) as
select
    dim_album.album_key,
    edition.album_key as edition_key
from listening.dim_album
inner join listening.dim_album as edition
    on
        edition.album_name = dim_album.album_name
        and coalesce(edition.album_artist_name, '') = coalesce(dim_album.album_artist_name, '')
where
    coalesce(dim_album.album_type, '') not in ('show', 'audiobook')
    and coalesce(edition.album_type, '') not in ('show', 'audiobook')
union
select
    dim_album.album_key,
    dim_album.album_key
from listening.dim_album;

comment on view listening.album_edition is
    'Which albums count as one in rankings: those of one name by the same artists, which differ in id.';
comment on column listening.album_edition.album_key is 'An album.';
comment on column listening.album_edition.edition_key is 'An edition of it; each album is its own edition, too.';
