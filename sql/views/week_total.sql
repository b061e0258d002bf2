-- Grain: a listener and a week of local days, Monday to Sunday in which something was played. A play is at least thirty seconds; for another choice ask
-- listening.period_totals.

create or replace view listening.week_total as
select
    period_totals.listener_key,
    period_totals.period_start,
    period_totals.play_count,
    period_totals.listened_ms,
    period_totals.estimated_ms,
    period_totals.track_count,
    period_totals.artist_count,
    period_totals.new_track_count,
    period_totals.new_artist_count,
    period_totals.podcast_play_count,
    period_totals.podcast_ms,
    period_totals.podcast_share,
    period_totals.listen_count,
    period_totals.skip_count
from listening.period_totals('30s', 'week');

comment on view listening.week_total is 'Totals of a listener and a week of local days, Monday to Sunday in which something was played. A play is at least thirty seconds; for another choice ask the function period_totals.';
comment on column listening.week_total.listener_key is 'Who listened.';
comment on column listening.week_total.period_start is 'First day of the week.';
comment on column listening.week_total.play_count is 'Plays.';
comment on column listening.week_total.listened_ms is 'Milliseconds of these plays, reported or else estimated.';
comment on column listening.week_total.estimated_ms is 'The part of listened_ms that is estimated.';
comment on column listening.week_total.track_count is 'Different recordings among the plays of music.';
comment on column listening.week_total.artist_count is 'Different main artists.';
comment on column listening.week_total.new_track_count is 'Recordings played for the first time.';
comment on column listening.week_total.new_artist_count is 'Main artists played for the first time.';
comment on column listening.week_total.podcast_play_count is 'Plays of episodes and chapters.';
comment on column listening.week_total.podcast_ms is 'Milliseconds of episodes and chapters.';
comment on column listening.week_total.podcast_share is 'podcast_ms by listened_ms, 0 to 1; null when nothing was played.';
comment on column listening.week_total.listen_count is 'Everything that was listened to, however short.';
comment on column listening.week_total.skip_count is 'What of listen_count was skipped, as far as is known.';
