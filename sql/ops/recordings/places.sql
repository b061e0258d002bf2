-- The place of these recordings among all, by plays of at least 30 seconds of all listeners; and all plays there are.
with heard as (
    select
        counted_plays.recording_key,
        count(*) as play_count
    from listening.counted_plays('30s', '-infinity', 'infinity')
    where
        counted_plays.track_key > 0
        and counted_plays.content_type in ('track', 'local')
    group by counted_plays.recording_key
),
ranked as (
    select
        heard.recording_key,
        rank() over (order by heard.play_count desc) as place
    from heard
)
select
    ranked.recording_key,
    ranked.place
from ranked
where ranked.recording_key = any(:recording_keys)
order by ranked.recording_key
