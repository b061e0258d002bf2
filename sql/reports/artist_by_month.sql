-- Month by month
with played as (
    select
        report_play.date_key / 100 as month_key,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    group by report_play.date_key / 100
)
select
    month.month_date::date as month_date,
    -- null where nothing of the month is recorded
    coalesce(played.play_count, recorded.nothing) as play_count,
    coalesce(played.listened_ms, recorded.nothing) as listened_ms
from generate_series(
    (select to_date(min(played.month_key)::text, 'yyyymm')::timestamp from played),
    (select to_date(max(played.month_key)::text, 'yyyymm')::timestamp from played),
    interval '1 month'
) as month (month_date)
cross join lateral (
    select
        case
            when
                cast(:covered_days as datemultirange)
                && daterange(month.month_date::date, (month.month_date + interval '1 month')::date)
                then 0
        end as nothing
) as recorded
left join played on played.month_key = to_char(month.month_date, 'yyyymm')::integer
order by month.month_date
