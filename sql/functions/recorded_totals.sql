-- Grain: a listener and a local day, week (from Monday), month, quarter or year, from the first recorded one to the
-- present one. Like period_totals, with the periods in which nothing was played: 0 where days of it are covered, null
-- where none is recorded.

create or replace function listening.recorded_totals(counts_as text, period text)
returns table (
    listener_key integer,
    period_start date,
    play_count bigint,
    listened_ms bigint,
    estimated_ms bigint,
    track_count bigint,
    artist_count bigint,
    new_track_count bigint,
    new_artist_count bigint,
    podcast_play_count bigint,
    podcast_ms bigint,
    podcast_share double precision,
    listen_count bigint,
    skip_count bigint,
    coverage text,
    day_count bigint,
    covered_day_count bigint
)
language sql stable parallel safe
as $$
select
    period_coverage.listener_key,
    period_coverage.period_start,
    case when period_totals.listener_key is null then silence.nothing else period_totals.play_count end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.listened_ms end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.estimated_ms end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.track_count end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.artist_count end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.new_track_count end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.new_artist_count end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.podcast_play_count end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.podcast_ms end,
    period_totals.podcast_share,
    case when period_totals.listener_key is null then silence.nothing else period_totals.listen_count end,
    case when period_totals.listener_key is null then silence.nothing else period_totals.skip_count end,
    period_coverage.coverage,
    period_coverage.day_count,
    period_coverage.covered_day_count
from listening.period_coverage(period)
left join listening.period_totals(counts_as, period)
    on
        period_totals.listener_key = period_coverage.listener_key
        and period_totals.period_start = period_coverage.period_start
cross join lateral (
    -- where no play is recorded, nothing was played on the covered days
    select case when period_coverage.covered_day_count > 0 then 0::bigint end as nothing
) as silence
$$;

comment on function listening.recorded_totals is
    'Totals by listener and local day, week, month, quarter or year (period) from the first recorded one to the '
    'present one, of what counts as a play (counts_as is 30s, half, full or all); null where nothing is recorded. '
    'Filter it by listener_key.';
