-- Grain: a listener and a local week, from the first recorded one to the present one. Null where nothing is recorded. A
-- play is at least thirty seconds; for another choice use listening.recorded_totals.

create or replace view listening.week_total with (security_invoker = true) as
select
    recorded_totals.listener_key,
    recorded_totals.period_start,
    recorded_totals.play_count,
    recorded_totals.listened_ms,
    recorded_totals.estimated_ms,
    recorded_totals.track_count,
    recorded_totals.artist_count,
    recorded_totals.new_track_count,
    recorded_totals.new_artist_count,
    recorded_totals.podcast_play_count,
    recorded_totals.podcast_ms,
    recorded_totals.podcast_share,
    recorded_totals.listen_count,
    recorded_totals.skip_count,
    recorded_totals.coverage,
    recorded_totals.day_count,
    recorded_totals.covered_day_count
from listening.recorded_totals('30s', 'week');

comment on view listening.week_total is
    'Totals of a listener and a week of local days, Monday to Sunday, from the first that is recorded to the present '
    'one; null where nothing of it is recorded. A play is at least thirty seconds; for another choice use the '
    'function recorded_totals.';
comment on column listening.week_total.listener_key is 'Who listened.';
comment on column listening.week_total.period_start is 'First day of the week.';
comment on column listening.week_total.play_count is 'Plays.';
comment on column listening.week_total.listened_ms is 'Milliseconds of these plays, reported or else estimated.';
comment on column listening.week_total.estimated_ms is 'The part of listened_ms that is estimated.';
comment on column listening.week_total.track_count is 'Different recordings among the plays of music.';
comment on column listening.week_total.artist_count is 'Different main artists.';
comment on column listening.week_total.new_track_count is
    'Recordings played for the first time; only first plays with ninety covered days before them count. Null where '
    'there is no such day yet.';
comment on column listening.week_total.new_artist_count is
    'Main artists played for the first time; see new_track_count.';
comment on column listening.week_total.podcast_play_count is 'Plays of episodes and chapters.';
comment on column listening.week_total.podcast_ms is 'Milliseconds of episodes and chapters.';
comment on column listening.week_total.podcast_share is
    'podcast_ms by listened_ms, 0 to 1; null when nothing was played.';
comment on column listening.week_total.listen_count is 'Everything that was listened to, however short.';
comment on column listening.week_total.skip_count is
    'What of listen_count was skipped, as far as is known; null where no source says.';
comment on column listening.week_total.coverage is
    'covered; gap: plays were probably lost; partly recorded; or not recorded. See period_coverage.';
comment on column listening.week_total.day_count is 'Days of it, up to today.';
comment on column listening.week_total.covered_day_count is
    'How many of them are covered: what an average day is to be taken of.';
