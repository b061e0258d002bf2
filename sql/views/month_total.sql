-- Grain: a listener and a local month, from the first that is recorded to the present one. Null where nothing of it is recorded. A play is at
-- least thirty seconds; for another choice ask listening.period_totals.

create or replace view listening.month_total as
select
    period_coverage.listener_key,
    period_coverage.period_start,
    case when period_totals.listener_key is null then silence.nothing else period_totals.play_count end as play_count,
    case when period_totals.listener_key is null then silence.nothing else period_totals.listened_ms end as listened_ms,
    case when period_totals.listener_key is null then silence.nothing else period_totals.estimated_ms end as estimated_ms,
    case when period_totals.listener_key is null then silence.nothing else period_totals.track_count end as track_count,
    case when period_totals.listener_key is null then silence.nothing else period_totals.artist_count end as artist_count,
    case when period_totals.listener_key is null then silence.nothing else period_totals.new_track_count end as new_track_count,
    case when period_totals.listener_key is null then silence.nothing else period_totals.new_artist_count end as new_artist_count,
    case when period_totals.listener_key is null then silence.nothing else period_totals.podcast_play_count end as podcast_play_count,
    case when period_totals.listener_key is null then silence.nothing else period_totals.podcast_ms end as podcast_ms,
    period_totals.podcast_share,
    case when period_totals.listener_key is null then silence.nothing else period_totals.listen_count end as listen_count,
    case when period_totals.listener_key is null then silence.nothing else period_totals.skip_count end as skip_count,
    period_coverage.coverage,
    period_coverage.day_count,
    period_coverage.covered_day_count
from listening.period_coverage('month')
left join listening.period_totals('30s', 'month')
    on
        period_totals.listener_key = period_coverage.listener_key
        and period_totals.period_start = period_coverage.period_start
cross join lateral (
    -- where no play is recorded: nothing was played on its covered days
    select case when period_coverage.covered_day_count > 0 then 0::bigint end as nothing
) as silence;

comment on view listening.month_total is 'Totals of a listener and a local month, from the first that is recorded to the present one; null where nothing of it is recorded. A play is at least thirty seconds; for another choice ask the function period_totals.';
comment on column listening.month_total.listener_key is 'Who listened.';
comment on column listening.month_total.period_start is 'First day of the month.';
comment on column listening.month_total.play_count is 'Plays.';
comment on column listening.month_total.listened_ms is 'Milliseconds of these plays, reported or else estimated.';
comment on column listening.month_total.estimated_ms is 'The part of listened_ms that is estimated.';
comment on column listening.month_total.track_count is 'Different recordings among the plays of music.';
comment on column listening.month_total.artist_count is 'Different main artists.';
comment on column listening.month_total.new_track_count is 'Recordings played for the first time; only first plays with ninety covered days before them count. Null where there is no such day yet.';
comment on column listening.month_total.new_artist_count is 'Main artists played for the first time; see new_track_count.';
comment on column listening.month_total.podcast_play_count is 'Plays of episodes and chapters.';
comment on column listening.month_total.podcast_ms is 'Milliseconds of episodes and chapters.';
comment on column listening.month_total.podcast_share is 'podcast_ms by listened_ms, 0 to 1; null when nothing was played.';
comment on column listening.month_total.listen_count is 'Everything that was listened to, however short.';
comment on column listening.month_total.skip_count is 'What of listen_count was skipped, as far as is known; null where no source says.';
comment on column listening.month_total.coverage is 'covered; gap: plays were probably lost; partly recorded; or not recorded. See period_coverage.';
comment on column listening.month_total.day_count is 'Days of it, up to today.';
comment on column listening.month_total.covered_day_count is 'How many of them are covered: what an average day is to be taken of.';
