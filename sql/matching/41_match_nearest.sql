-- One round of matching within a tier: the pairs that are nearest to each other on both sides. Repeated until no row is
-- returned, this equals taking the nearest pair of all again and again. Ties go to the earlier play, then to the longer
-- one.
-- Tier 6 is for plays of the list that have no match in the extended export. In tier 5 the account export may name a
--   play that the extended export does not.

delete from match_candidate
where
    match_candidate.other_number in (select play_match.other_number from play_match)
    or match_candidate.source_play_number in (select play_match.other_number from play_match)
    or (match_candidate.source_play_number, match_candidate.other_source) in (
        select
            play_match.source_play_number,
            play_match.other_source
        from play_match
    );

with free as (
    select
        match_candidate.source_play_number,
        match_candidate.other_number,
        match_candidate.other_source,
        match_candidate.seconds,
        play.observed_at,
        play.ms_played,
        other.observed_at as other_at,
        other.ms_played as other_ms,
        source_play_track.track_uri as source_play_uri,
        other_track.track_uri as other_uri
    from match_candidate
    inner join source_play as play on play.source_play_number = match_candidate.source_play_number
    inner join source_play as other on other.source_play_number = match_candidate.other_number
    inner join listening.dim_track as source_play_track on source_play_track.track_key = play.track_key
    inner join listening.dim_track as other_track on other_track.track_key = other.track_key
    left join play_match as named
        on
            named.source_play_number = match_candidate.source_play_number
            and named.other_source = 'account_export'
            and match_candidate.tier = 5
    left join source_play as naming on naming.source_play_number = named.other_number
    where
        match_candidate.tier = :tier
        and (
            match_candidate.tier <> 5
            or (coalesce(naming.track_key, 0) = 0 and match_candidate.seconds <= 2)
            or exists (
                select 1
                from listed_alias
                inner join listening.track_alias on track_alias.name_hash = listed_alias.name_hash
                where
                    listed_alias.source_play_number = match_candidate.other_number
                    and track_alias.track_key = naming.track_key
            )
        )
),
ranked as (
    select
        free.source_play_number,
        free.other_number,
        free.other_source,
        row_number() over (
            partition by free.source_play_number
            order by free.seconds, free.other_at, free.other_ms desc, free.other_uri, free.other_number
        ) as rank_for_source_play,
        row_number() over (
            partition by free.other_number
            order by free.seconds, free.observed_at, free.ms_played desc, free.source_play_uri, free.source_play_number
        ) as rank_for_other
    from free
)
insert into play_match (
    source_play_number,
    other_number,
    other_source
)
select
    ranked.source_play_number,
    ranked.other_number,
    ranked.other_source
from ranked
where
    ranked.rank_for_source_play = 1
    and ranked.rank_for_other = 1
returning other_number
