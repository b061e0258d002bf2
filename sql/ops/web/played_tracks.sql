-- The recordings of these tracks: whether the listener has played each, and whether anybody else has.
with member as materialized (
    select
        named.track_uri,
        dim_track.track_key
    from unnest(cast(:track_uris as text[])) as named (track_uri)
    inner join listening.dim_track as meant on meant.track_uri = named.track_uri
    inner join listening.dim_track
        on
            dim_track.recording_key = coalesce(meant.recording_key, meant.track_key)
            or dim_track.track_key = coalesce(meant.recording_key, meant.track_key)
)
select
    member.track_uri,
    bool_or(
        exists (
            select 1
            from listening.fact_play
            where
                fact_play.listener_key = :listener_key
                and fact_play.track_key = member.track_key
        )
    ) as is_played,
    bool_or(
        exists (
            select 1
            from listening.fact_play
            where
                fact_play.listener_key <> :listener_key
                and fact_play.track_key = member.track_key
        )
    ) as is_played_by_others
from member
group by member.track_uri
order by member.track_uri
