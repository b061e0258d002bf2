-- The places of recordings in the ranking of top_tracks; equals share one.
with ranked as (
    select
        report_track.recording_key,
        sum(report_track.play_count) as play_count,
        coalesce(sum(report_track.listened_ms), 0) as listened_ms
    from report_track
    where
        report_track.is_music
        and report_track.track_key > 0
    group by report_track.recording_key
),
placed as (
    select
        ranked.recording_key,
        rank() over (
            order by
                case when :by = 'time' then ranked.listened_ms else ranked.play_count end desc,
                ranked.listened_ms desc,
                ranked.play_count desc
        ) as place
    from ranked
)
select
    placed.recording_key as key,
    placed.place
from placed
where placed.recording_key = any(cast(:keys as integer[]))
