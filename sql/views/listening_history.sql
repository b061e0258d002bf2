-- Grain: one play that no rule leaves out, in the columns of an older layout, for dashboards made for it.

create or replace view listening.listening_history with (security_invoker = true) as
select
    kept_plays.play_key as id,
    dim_track.track_uri,
    dim_track.track_name,
    track_credit.first_artist_name as artist_name,
    dim_album.album_name,
    kept_plays.played_at at time zone 'UTC' as played_at,
    kept_plays.best_ms as ms_played,
    dim_track.popularity
from listening.kept_plays('-infinity', 'infinity')
inner join listening.dim_track on dim_track.track_key = kept_plays.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
left join listening.track_credit on track_credit.track_key = kept_plays.track_key;

comment on view listening.listening_history is
    'One listen a row, in the columns of an older layout, for dashboards made for that; of all listeners.';
comment on column listening.listening_history.id is 'The play.';
comment on column listening.listening_history.track_uri is 'spotify:track:… and so on; null for the unknown track.';
comment on column listening.listening_history.track_name is 'Title.';
comment on column listening.listening_history.artist_name is 'The artist who stands first; null for podcasts.';
comment on column listening.listening_history.album_name is 'Album, or the show of an episode.';
comment on column listening.listening_history.played_at is 'End of the listen in UTC, without a zone.';
comment on column listening.listening_history.ms_played is 'Milliseconds as reported, else as estimated.';
comment on column listening.listening_history.popularity is
    '0 to 100 when last described; null where Spotify leaves it out.';
