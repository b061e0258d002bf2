-- The most days in a row
with day as (
    select
        to_date(report_play.date_key::text, 'yyyymmdd') as local_date,
        count(*) as play_count
    from report_play
    group by report_play.date_key
),
numbered as (
    select
        day.local_date,
        day.play_count,
        day.local_date - row_number() over (order by day.local_date)::integer as anchor
    from day
)
select
    count(*) as day_count,
    min(numbered.local_date) as first_date,
    max(numbered.local_date) as last_date,
    sum(numbered.play_count)::bigint as play_count,
    -- the day before or after is one of these days, and not fully recorded
    daterange(:since_date, least(cast(:until_date as date), cast(:today as date)), '[]')::datemultirange
    - cast(:covered_days as datemultirange)
    && datemultirange(
        daterange(min(numbered.local_date) - 1, min(numbered.local_date)),
        daterange(max(numbered.local_date) + 1, max(numbered.local_date) + 2)
    ) as is_open_ended
from numbered
group by numbered.anchor
order by
    count(*) desc,
    min(numbered.local_date)
limit 1
