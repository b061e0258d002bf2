-- Tracks
with told as (
    select ops.folded(:told) as told
),
named as materialized (
    select
        report_track.track_key,
        report_track.recording_key,
        report_track.play_count,
        report_track.listened_ms,
        report_track.last_played_at,
        ops.folded(
            concat_ws(' ', credit.artist_names, dim_track.track_name, coalesce(credit.artist_names, dim_album.album_name))
        ) as whole,
        dim_track.track_name
    from report_track
    inner join listening.dim_track on dim_track.track_key = report_track.track_key
    inner join listening.dim_album on dim_album.album_key = dim_track.album_key
    left join (
        select
            bridge_track_artist.track_key,
            string_agg(dim_artist.artist_name, ' ' order by bridge_track_artist.position) as artist_names
        from listening.bridge_track_artist
        inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
        where bridge_track_artist.track_key in (select report_track.track_key from report_track)
        group by bridge_track_artist.track_key
    ) as credit on credit.track_key = report_track.track_key
    where report_track.track_key > 0
),
near as materialized (
    select
        named.*,
        ops.folded(coalesce(named.track_name, '')) as folded_name
    from named
    cross join told
    where
        strpos(named.whole, told.told) > 0
        or word_similarity(told.told, named.whole) >= 0.4
),
likely as (
    select
        near.*,
        case
            when near.folded_name = told.told then 3
            when starts_with(near.folded_name, told.told) then 2.5
            when strpos(near.folded_name, told.told) > 0 then 2
            when strpos(near.whole, told.told) > 0 then 1.5
            else round(word_similarity(told.told, near.whole)::numeric, 1)
        end as likeness
    from near
    cross join told
),
ranked as (
    select
        likely.track_key,
        likely.likeness,
        sum(report_track.play_count)::bigint as play_count,
        sum(report_track.listened_ms)::bigint as listened_ms,
        max(report_track.last_played_at) as last_played_at
    from (
        select distinct on (likely.recording_key)
            likely.recording_key,
            likely.track_key,
            likely.likeness
        from likely
        order by
            likely.recording_key,
            likely.likeness desc,
            likely.play_count desc,
            likely.track_key
    ) as likely
    -- with all the ids of the recording, whatever they are called
    inner join report_track on report_track.recording_key = likely.recording_key
    group by
        likely.recording_key,
        likely.track_key,
        likely.likeness
)
select
    dim_track.track_name,
    coalesce(
        (
            select track_credit.artist_names
            from listening.track_credit
            where track_credit.track_key = ranked.track_key
        ),
        case when dim_track.content_type in ('episode', 'chapter') then dim_album.album_name end
    ) as artist_names,
    ranked.play_count,
    ranked.listened_ms,
    ranked.last_played_at,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    ranked.track_key,
    coalesce(dim_track.recording_key, dim_track.track_key) as recording_key
from ranked
inner join listening.dim_track on dim_track.track_key = ranked.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    ranked.likeness desc,
    ranked.play_count desc,
    ranked.listened_ms desc,
    dim_track.track_name,
    ranked.track_key
limit :row_limit
