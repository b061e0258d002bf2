-- After a merge: how many plays of the list fall in the time of the batch's exports, and how many of them the exports
-- report too.

with listed as (
    select
        min(coverage.starts_at) as starts_at,
        max(coverage.ends_at) as ends_at
    from ops.coverage
    where
        coverage.listener_key = :listener_key
        and coverage.source = 'recently_played'
        and coverage.state = 'covered'
),
span as (
    select
        greatest(min(staging_play.played_at), min(listed.starts_at)) as starts_at,
        least(max(staging_play.played_at), max(listed.ends_at)) as ends_at
    from staging_play
    cross join listed
    where staging_play.source in ('extended_export', 'account_export')
)
select
    (
        select count(*)
        from listening.fact_play
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
        where
            fact_play.listener_key = :listener_key
            and fact_play.played_at between span.starts_at and span.ends_at
            and dim_play_profile.has_recently_played
    ) as listed_count,
    (
        select count(*)
        from source_play
        left join play_match on play_match.other_number = source_play.source_play_number
        inner join resolved_play
            on resolved_play.resolved_number = coalesce(play_match.source_play_number, source_play.source_play_number)
        where
            source_play.item_number is not null
            and source_play.source in ('extended_export', 'account_export')
            and resolved_play.has_recently_played
    ) as matched_count
from span
