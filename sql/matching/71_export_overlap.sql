-- Plays of Spotify's list in the time of the batch's exports, and how many of them these exports report as well. After the merge.

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
        from told_play
        left join same_listen on same_listen.other_number = told_play.told_number
        inner join listen on listen.listen_number = coalesce(same_listen.told_number, told_play.told_number)
        where
            told_play.item_number is not null
            and told_play.source in ('extended_export', 'account_export')
            and listen.has_recently_played
    ) as matched_count
from span
