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
    select
        heard.month_key,
        min(heard.artist_key) as artist_key
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
    to_date(month.month_key::text, 'yyyymm') as month_date,
    month.play_count,
    month.listened_ms,
    dim_artist.artist_name,
    listening.spotify_url('spotify:artist:' || dim_artist.artist_id) as artist_url
from month
left join artist on artist.month_key = month.month_key
left join listening.dim_artist on dim_artist.artist_key = artist.artist_key
order by month.month_key
