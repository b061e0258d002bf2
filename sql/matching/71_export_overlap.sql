-- After a merge: how much of the listener's music was recorded before in the time of the batch, and how many of these
-- plays the batch reports too. The time are the days, UTC, on which the batch has music, from its first play to its
-- last: a package may pause for years. listed_count: of the recorded plays, those of the list or a recorder.

with batch_music as (
    select
        batch_observation.source_key,
        batch_observation.observed_at,
        batch_observation.track_key,
        floor(date_part('epoch', batch_observation.observed_at) / 86400) as day
    from batch_observation
    inner join listening.dim_track on dim_track.track_key = batch_observation.track_key
    where dim_track.content_type in ('track', 'local')
),
batch_span as (
    select
        min(batch_music.observed_at) as starts_at,
        max(batch_music.observed_at) as ends_at
    from batch_music
),
recorded_before as (
    select
        fact_play.play_key,
        dim_play_profile.sources && array(
            select source.source_name
            from listening.source
            where source.coverage in ('window', 'watched')
        ) as is_listed
    from batch_span
    inner join listening.fact_play
        on
            fact_play.listener_key = :listener_key
            and fact_play.played_at between batch_span.starts_at and batch_span.ends_at
    inner join listening.dim_track on dim_track.track_key = fact_play.track_key
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
    where
        dim_track.content_type in ('track', 'local')
        and floor(date_part('epoch', fact_play.played_at) / 86400) in (select batch_music.day from batch_music)
        and fact_play.play_key not in (select added_play.play_key from added_play)
),
shared as (
    select distinct observation.play_key
    from batch_music
    inner join listening.observation
        on
            observation.listener_key = :listener_key
            and observation.source_key = batch_music.source_key
            and observation.observed_at = batch_music.observed_at
            and observation.track_key = batch_music.track_key
    where exists (select 1 from recorded_before)
)
select
    count(*) as recorded_count,
    count(*) filter (where recorded_before.is_listed) as listed_count,
    count(*) filter (where recorded_before.play_key in (select shared.play_key from shared)) as shared_count,
    (
        select count(*)
        from batch_music
        where exists (select 1 from recorded_before)
    ) as batch_count
from recorded_before
