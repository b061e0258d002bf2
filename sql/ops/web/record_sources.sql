-- How many plays of a listener each source reports, and from when to when.
select
    source.source_name,
    sum(reported.play_count)::bigint as play_count,
    min(reported.first_played_at) as first_played_at,
    max(reported.last_played_at) as last_played_at
from (
    select
        fact_play.play_profile_key,
        count(*) as play_count,
        min(fact_play.played_at) as first_played_at,
        max(fact_play.played_at) as last_played_at
    from listening.fact_play
    where fact_play.listener_key = :listener_key
    group by fact_play.play_profile_key
) as reported
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = reported.play_profile_key
cross join unnest(dim_play_profile.sources) as named (source_name)
inner join listening.source on source.source_name = named.source_name
group by source.source_name
order by
    play_count desc,
    source.source_name
