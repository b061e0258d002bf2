-- Month by month
with month as (
    select
        report_play.date_key / 100 as month_key,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    group by report_play.date_key / 100
),
heard as materialized (
    select
        report_play.date_key / 100 as month_key,
        report_credit.artist_key,
        count(*) as play_count
    from report_play
    inner join report_credit
        on
            report_credit.track_key = report_play.track_key
            and report_credit.is_main
    group by
        report_play.date_key / 100,
        report_credit.artist_key
),
artist as (
    -- the main artist with the most plays in the month; of several, the one with the lowest key
    select
        heard.month_key,
        min(heard.artist_key) as artist_key,
        min(heard.play_count) as play_count
    from heard
    inner join (
        select
            heard.month_key,
            max(heard.play_count) as play_count
        from heard
        group by heard.month_key
    ) as most
        on
            most.month_key = heard.month_key
            and most.play_count = heard.play_count
    group by heard.month_key
)
select
    span.month_date::date as month_date,
    -- null where nothing of the month is recorded
    coalesce(month.play_count, case when recorded.covered_day_count > 0 then 0 end) as play_count,
    coalesce(month.listened_ms, case when recorded.covered_day_count > 0 then 0 end) as listened_ms,
    dim_artist.artist_name,
    listening.spotify_url('spotify:artist:' || dim_artist.artist_id) as artist_url,
    artist.play_count as artist_play_count,
    case
        when recorded.covered_day_count + recorded.lost_day_count = 0 then 'not recorded'
        when recorded.covered_day_count + recorded.lost_day_count < recorded.day_count then 'partly recorded'
        when recorded.lost_day_count > 0 then 'gap'
        else 'covered'
    end as coverage,
    artist.artist_key
from generate_series(
    date_trunc('month', cast(:since_date as date)::timestamp),
    greatest(
        least(cast(:until_date as date), cast(:today as date)),
        (select to_date(max(month.month_key)::text, 'yyyymm') from month)
    )::timestamp,
    interval '1 month'
) as span (month_date)
cross join lateral (
    select
        count(*) as day_count,
        count(*) filter (where cast(:covered_days as datemultirange) @> day.local_date::date) as covered_day_count,
        count(*) filter (where cast(:lost_days as datemultirange) @> day.local_date::date) as lost_day_count
    from generate_series(
        span.month_date,
        greatest(
            least(span.month_date + interval '1 month' - interval '1 day', cast(:today as date)::timestamp),
            span.month_date
        ),
        interval '1 day'
    ) as day (local_date)
) as recorded
left join month on month.month_key = to_char(span.month_date, 'yyyymm')::integer
left join artist on artist.month_key = month.month_key
left join listening.dim_artist on dim_artist.artist_key = artist.artist_key
order by span.month_date
