-- Totals of a listener by day, week, month or year (period): every one of which a day is in the span. The numbers of
-- recorded_totals; each play is looked at once here, which takes half the time.
with moment as materialized (
    select
        dim_date.date_key,
        dim_date.full_date,
        date_trunc(:period, dim_date.full_date::timestamp)::date as period_start
    from listening.dim_date
),
heard as materialized (
    -- by period and track; first_date: of a counted play
    select
        moment.period_start,
        kept_plays.track_key,
        kept_plays.recording_key,
        kept_plays.content_type in ('track', 'local') as is_music,
        min(moment.full_date) filter (where counted.is_play) as first_date,
        count(*) as listen_count,
        count(kept_plays.is_skipped) as known_count,
        count(*) filter (where kept_plays.is_skipped) as skip_count,
        count(*) filter (where counted.is_play) as play_count,
        sum(kept_plays.best_ms) filter (where counted.is_play) as listened_ms,
        sum(kept_plays.best_ms) filter (where counted.is_play and kept_plays.reported_ms is null) as estimated_ms
    from listening.kept_plays('-infinity', 'infinity')
    inner join moment on moment.date_key = kept_plays.date_key
    cross join lateral (
        select
            listening.is_counted(
                :counts_as, kept_plays.best_ms, kept_plays.duration_ms, kept_plays.reason_end
            ) as is_play
    ) as counted
    where kept_plays.listener_key = :listener_key
    group by
        moment.period_start,
        kept_plays.track_key,
        kept_plays.recording_key,
        kept_plays.content_type in ('track', 'local')
),
totals as (
    select
        heard.period_start,
        sum(heard.listen_count)::bigint as listen_count,
        -- null where no source says
        case when sum(heard.known_count) > 0 then sum(heard.skip_count)::bigint end as skip_count,
        sum(heard.play_count)::bigint as play_count,
        coalesce(sum(heard.listened_ms), 0)::bigint as listened_ms,
        coalesce(sum(heard.estimated_ms), 0)::bigint as estimated_ms,
        coalesce(sum(heard.listened_ms) filter (where not heard.is_music), 0)::bigint as podcast_ms
    from heard
    group by heard.period_start
),
tracks as (
    select
        met.period_start,
        count(*) as track_count,
        count(*) filter (where met.is_first and met.first_date >= cast(:new_since as date)) as new_track_count
    from (
        select
            heard.period_start,
            min(heard.first_date) as first_date,
            row_number() over (partition by heard.recording_key order by heard.period_start) = 1 as is_first
        from heard
        where
            heard.play_count > 0
            and heard.is_music
            and heard.track_key > 0
        group by
            heard.period_start,
            heard.recording_key
    ) as met
    group by met.period_start
),
artists as (
    select
        met.period_start,
        count(*) as artist_count,
        count(*) filter (where met.is_first and met.first_date >= cast(:new_since as date)) as new_artist_count
    from (
        select
            heard.period_start,
            min(heard.first_date) as first_date,
            row_number() over (
                partition by standing_artist.standing_artist_key
                order by heard.period_start
            ) = 1 as is_first
        from heard
        inner join listening.bridge_track_artist
            on
                bridge_track_artist.track_key = heard.track_key
                and bridge_track_artist.role = 'main'
        inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
        where heard.play_count > 0
        group by
            heard.period_start,
            standing_artist.standing_artist_key
    ) as met
    group by met.period_start
)
select
    period_coverage.period_start,
    coalesce(totals.play_count, silence.nothing) as play_count,
    coalesce(totals.listened_ms, silence.nothing) as listened_ms,
    coalesce(totals.estimated_ms, silence.nothing) as estimated_ms,
    coalesce(tracks.track_count, silence.nothing) as track_count,
    coalesce(artists.artist_count, silence.nothing) as artist_count,
    case when silence.can_tell_new then coalesce(tracks.new_track_count, silence.nothing) end as new_track_count,
    case when silence.can_tell_new then coalesce(artists.new_artist_count, silence.nothing) end as new_artist_count,
    coalesce(totals.podcast_ms, silence.nothing) as podcast_ms,
    coalesce(totals.listen_count, silence.nothing) as listen_count,
    case when totals.period_start is null then silence.nothing else totals.skip_count end as skip_count,
    period_coverage.coverage,
    period_coverage.day_count,
    period_coverage.covered_day_count
from listening.period_coverage(:period)
left join totals on totals.period_start = period_coverage.period_start
left join tracks on tracks.period_start = period_coverage.period_start
left join artists on artists.period_start = period_coverage.period_start
cross join lateral (
    select
        -- where no play is recorded, nothing was played on the covered days
        case when totals.period_start is not null or period_coverage.covered_day_count > 0 then 0 end as nothing,
        totals.period_start is null
        or date_trunc(:period, cast(:new_since as timestamp))::date <= period_coverage.period_start as can_tell_new
) as silence
where
    period_coverage.listener_key = :listener_key
    and (
        cast(:wanted_since as date) is null
        or period_coverage.period_start >= date_trunc(:period, cast(:wanted_since as timestamp))::date
    )
    and (cast(:wanted_until as date) is null or period_coverage.period_start <= :wanted_until)
order by period_coverage.period_start
