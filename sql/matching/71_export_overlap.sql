-- After a merge: how many plays of the list (a source that covers windows) fall in the time of the batch's exports
-- (sources that cover spans), and how many of them the exports report too.

with listed as (
    select
        min(coverage.starts_at) as starts_at,
        max(coverage.ends_at) as ends_at
    from ops.coverage
    inner join listening.source on source.source_name = coverage.source
    where
        coverage.listener_key = :listener_key
        and coverage.state = 'covered'
        and source.coverage = 'window'
),
exported as (
    select
        batch_observation.source_key,
        batch_observation.observed_at,
        batch_observation.track_key
    from batch_observation
    inner join listening.source on source.source_key = batch_observation.source_key
    where source.coverage = 'span'
),
span as (
    select
        greatest(min(exported.observed_at), min(listed.starts_at)) as starts_at,
        least(max(exported.observed_at), max(listed.ends_at)) as ends_at
    from exported
    cross join listed
),
listed_play as (
    select fact_play.play_key
    from span
    inner join listening.fact_play
        on
            fact_play.listener_key = :listener_key
            and fact_play.played_at between span.starts_at and span.ends_at
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
    where
        dim_play_profile.sources && array(
            select source.source_name
            from listening.source
            where source.coverage = 'window'
        )
)
select
    count(*) as listed_count,
    count(*) filter (
        where listed_play.play_key in (
            select observation.play_key
            from exported
            inner join listening.observation
                on
                    observation.listener_key = :listener_key
                    and observation.source_key = exported.source_key
                    and observation.observed_at = exported.observed_at
                    and observation.track_key = exported.track_key
        )
    ) as matched_count
from listed_play
