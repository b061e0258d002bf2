-- The account export. It is the extended export cut to the minute, without ids, and a set: rows equal in minute, names
-- and milliseconds are one play. Names that differ only in case or accents are equal.

insert into observation_link (
    observation_number,
    other_number
)
with repeated as (
    select
        near_observation.source_key,
        near_observation.observed_at,
        near_observation.ms_played
    from near_observation
    inner join listening.source on source.source_key = near_observation.source_key
    where source.source_name = 'account_export'
    group by
        near_observation.source_key,
        near_observation.observed_at,
        near_observation.ms_played
    having count(*) > 1
),
named as (
    select
        near_observation.observation_number,
        near_observation.observed_at,
        near_observation.ms_played,
        coalesce(
            (
                select min(track_alias.name_hash::text)
                from listening.track_alias
                where track_alias.track_key = near_observation.track_key
            ),
            near_observation.track_key::text
        ) as name
    from repeated
    inner join near_observation
        on
            near_observation.source_key = repeated.source_key
            and near_observation.observed_at = repeated.observed_at
            and near_observation.ms_played = repeated.ms_played
)
select
    named.observation_number,
    min(named.observation_number) over (partition by named.observed_at, named.ms_played, named.name)
from named
