-- The tracks that are one recording with any of these, each with its plays of at least 30 seconds, of all listeners.
with chosen as (
    select distinct coalesce(dim_track.recording_key, dim_track.track_key) as recording_key
    from listening.dim_track
    where dim_track.track_uri = any(:track_uris)
),
member as materialized (
    select
        chosen.recording_key,
        dim_track.track_key,
        dim_track.track_uri,
        dim_track.track_name,
        dim_track.content_type,
        dim_track.duration_ms,
        dim_track.isrc,
        dim_track.album_key
    from chosen
    inner join listening.dim_track
        on
            dim_track.recording_key = chosen.recording_key
            or dim_track.track_key = chosen.recording_key
),
heard as (
    select
        counted_plays.track_key,
        count(*) as play_count,
        coalesce(sum(counted_plays.listened_ms), 0)::bigint as listened_ms
    from listening.counted_plays('30s', '-infinity', 'infinity')
    where counted_plays.track_key in (select member.track_key from member)
    group by counted_plays.track_key
)
select
    member.recording_key,
    member.track_key,
    member.track_uri,
    member.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = member.track_key
    ) as artist_names,
    nullif(dim_album.album_name, '') as album_name,
    member.content_type in ('episode', 'chapter') as is_spoken,
    member.duration_ms,
    member.isrc,
    recording_evidence.evidence,
    coalesce(heard.play_count, 0) as play_count,
    coalesce(heard.listened_ms, 0) as listened_ms
from member
inner join listening.dim_album on dim_album.album_key = member.album_key
left join listening.recording_evidence on recording_evidence.track_key = member.track_key
left join heard on heard.track_key = member.track_key
order by
    member.recording_key,
    coalesce(heard.play_count, 0) desc,
    member.track_uri
