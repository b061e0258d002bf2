-- The web address of a Spotify URI, to link names to.

create or replace function listening.spotify_url(uri text)
returns text
language sql immutable strict parallel safe
as $$
select 'https://open.spotify.com/' || split_part(uri, ':', 2) || '/' || split_part(uri, ':', 3)
where uri ~ '^spotify:(track|episode|chapter|album|show|artist|playlist):[0-9A-Za-z]{22}$'
$$;

comment on function listening.spotify_url is
    'The web address of a Spotify URI; null for what Spotify does not show, as local files.';
