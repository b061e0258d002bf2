-- Grain: a listener and an artist. A play is at least thirty seconds; for another choice use listening.artist_totals.

create or replace view listening.artist_total with (security_invoker = true) as
select
    artist_totals.listener_key,
    artist_totals.artist_key,
    artist_totals.artist_name,
    artist_totals.play_count,
    artist_totals.main_play_count,
    artist_totals.featured_play_count,
    artist_totals.listened_ms,
    artist_totals.main_listened_ms,
    artist_totals.featured_listened_ms,
    artist_totals.track_count,
    artist_totals.first_played_at,
    artist_totals.last_played_at
from listening.artist_totals('30s');

comment on view listening.artist_total is
    'Totals of a listener and an artist, as main and as featured artist. A play is at least thirty seconds; for '
    'another choice use the function artist_totals.';
comment on column listening.artist_total.listener_key is 'Who listened.';
comment on column listening.artist_total.artist_key is 'The artist.';
comment on column listening.artist_total.artist_name is 'Name as Spotify writes it.';
comment on column listening.artist_total.play_count is
    'Plays. One of a track by two artists is counted for both: do not sum over artists.';
comment on column listening.artist_total.main_play_count is 'Plays as main artist.';
comment on column listening.artist_total.featured_play_count is 'Plays as featured artist.';
comment on column listening.artist_total.listened_ms is 'Milliseconds of these plays, reported or else estimated.';
comment on column listening.artist_total.main_listened_ms is 'Milliseconds as main artist.';
comment on column listening.artist_total.featured_listened_ms is 'Milliseconds as featured artist.';
comment on column listening.artist_total.track_count is 'Different recordings played.';
comment on column listening.artist_total.first_played_at is 'End of the first play.';
comment on column listening.artist_total.last_played_at is 'End of the last play.';
