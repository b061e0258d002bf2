-- The places of artists in the ranking of top_artists; equals share one.
with ranked as (
    select
        report_credit.artist_key,
        sum(report_track.play_count) as play_count,
        coalesce(sum(report_track.listened_ms), 0) as listened_ms
    from report_track
    inner join report_credit on report_credit.track_key = report_track.track_key
    group by report_credit.artist_key
),
placed as (
    select
        ranked.artist_key,
        rank() over (
            order by
                case when :by = 'time' then ranked.listened_ms else ranked.play_count end desc,
                ranked.listened_ms desc,
                ranked.play_count desc
        ) as place
    from ranked
)
select
    placed.artist_key as key,
    placed.place
from placed
where placed.artist_key = any(cast(:keys as integer[]))
