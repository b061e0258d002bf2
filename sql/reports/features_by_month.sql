-- Month by month
with month as (
    select
        report_play.date_key / 100 as month_key,
        count(*) as play_count,
        round(avg(report_feature.energy)::numeric, 2)::double precision as energy,
        round(avg(report_feature.valence)::numeric, 2)::double precision as valence,
        round(avg(report_feature.danceability)::numeric, 2)::double precision as danceability,
        round(avg(report_feature.tempo)::numeric, 1)::double precision as tempo,
        count(report_feature.energy)::double precision / count(*) as known_play_share
    from report_play
    inner join report_feature on report_feature.recording_key = report_play.recording_key
    where report_play.is_music
    group by report_play.date_key / 100
)
select
    to_date(month.month_key::text, 'yyyymm') as month_date,
    month.play_count,
    month.energy,
    month.valence,
    month.danceability,
    month.tempo,
    month.known_play_share
from month
order by month.month_key
