-- Totals of a listener by day, week, month or year (period): every one of which a day is in the span. The numbers of
-- recorded_totals, from the tables of a report over the whole record (report_listen, report_play, report_credit): each
-- play is looked at once, which takes a quarter of the time.
with moment as materialized (
    select
        dim_date.date_key,
        dim_date.full_date,
        date_trunc(:period, dim_date.full_date::timestamp)::date as period_start
    from listening.dim_date
    where dim_date.date_key in (select report_listen.date_key from report_listen)
),
listens as (
    select
        moment.period_start,
        count(*) as listen_count,
        -- null where no source says
        case
            when count(report_listen.is_skipped) > 0
                then count(*) filter (where report_listen.is_skipped)
        end as skip_count
    from report_listen
    inner join moment on moment.date_key = report_listen.date_key
    group by moment.period_start
),
plays as (
    select
        moment.period_start,
        count(*) as play_count,
        sum(report_play.listened_ms) as listened_ms,
        sum(report_play.listened_ms) filter (where report_play.is_estimated) as estimated_ms,
        sum(report_play.listened_ms) filter (where not report_play.is_music) as podcast_ms,
        count(distinct report_play.recording_key) filter (
            where report_play.is_music and report_play.track_key > 0
        ) as track_count
    from report_play
    inner join moment on moment.date_key = report_play.date_key
    group by moment.period_start
),
artists as (
    select
        met.period_start,
        count(*) as artist_count
    from (
        select distinct
            moment.period_start,
            report_credit.artist_key
        from report_play
        inner join moment on moment.date_key = report_play.date_key
        inner join report_credit on report_credit.track_key = report_play.track_key and report_credit.is_main
    ) as met
    group by met.period_start
),
new_tracks as (
    select
        moment.period_start,
        count(*) as new_track_count
    from (
        select min(report_play.date_key) as date_key
        from report_play
        where report_play.is_music and report_play.track_key > 0
        group by report_play.recording_key
    ) as first_heard
    inner join moment on moment.date_key = first_heard.date_key
    where moment.full_date >= cast(:new_since as date)
    group by moment.period_start
),
new_artists as (
    select
        moment.period_start,
        count(*) as new_artist_count
    from (
        select min(report_play.date_key) as date_key
        from report_play
        inner join report_credit on report_credit.track_key = report_play.track_key and report_credit.is_main
        group by report_credit.artist_key
    ) as first_heard
    inner join moment on moment.date_key = first_heard.date_key
    where moment.full_date >= cast(:new_since as date)
    group by moment.period_start
)
select
    period_coverage.period_start,
    coalesce(plays.play_count, silence.nothing) as play_count,
    coalesce(plays.listened_ms, silence.nothing) as listened_ms,
    coalesce(plays.estimated_ms, silence.nothing) as estimated_ms,
    coalesce(plays.track_count, silence.nothing) as track_count,
    coalesce(artists.artist_count, silence.nothing) as artist_count,
    case when silence.can_tell_new then coalesce(new_tracks.new_track_count, silence.nothing) end as new_track_count,
    case when silence.can_tell_new then coalesce(new_artists.new_artist_count, silence.nothing) end as new_artist_count,
    coalesce(plays.podcast_ms, silence.nothing) as podcast_ms,
    coalesce(listens.listen_count, silence.nothing) as listen_count,
    case when listens.period_start is null then silence.nothing else listens.skip_count end as skip_count,
    period_coverage.coverage,
    period_coverage.day_count,
    period_coverage.covered_day_count
from listening.period_coverage(:period)
left join listens on listens.period_start = period_coverage.period_start
left join plays on plays.period_start = period_coverage.period_start
left join artists on artists.period_start = period_coverage.period_start
left join new_tracks on new_tracks.period_start = period_coverage.period_start
left join new_artists on new_artists.period_start = period_coverage.period_start
cross join lateral (
    select
        -- where no play is recorded, nothing was played on the covered days
        case when listens.period_start is not null or period_coverage.covered_day_count > 0 then 0 end as nothing,
        listens.period_start is null
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
