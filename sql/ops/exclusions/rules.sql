-- The rules of a listener, or (exclusion_key) one of them, with the names of what they are about, and what each leaves
-- out: plays however short, plays of at least thirty seconds, and milliseconds of those; and likewise what of that no
-- other rule leaves out.
select
    exclusion.exclusion_key,
    exclusion.created_at,
    exclusion.note,
    dim_artist.artist_name,
    dim_track.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = exclusion.track_key
    ) as track_artist_names,
    dim_album.album_name,
    coalesce(
        (
            select bool_or(dim_track_of_album.content_type in ('episode', 'chapter'))
            from listening.dim_track as dim_track_of_album
            where dim_track_of_album.album_key = exclusion.album_key
        ),
        false
    ) as is_show,
    coalesce(dim_context.context_name, dim_context.context_uri) as context_name,
    exclusion.genre_name,
    exclusion.device_name,
    exclusion.from_minute,
    exclusion.until_minute,
    exclusion.weekdays,
    exclusion.since_date,
    exclusion.until_date,
    coalesce(left_out.listen_count, 0) as listen_count,
    coalesce(left_out.play_count, 0) as play_count,
    case when left_out.play_count > 0 then left_out.listened_ms::bigint else 0 end as listened_ms,
    coalesce(left_out.own_listen_count, 0) as own_listen_count,
    coalesce(left_out.own_play_count, 0) as own_play_count,
    case when left_out.own_play_count > 0 then left_out.own_listened_ms::bigint else 0 end as own_listened_ms
from listening.exclusion
left join listening.dim_artist on dim_artist.artist_key = exclusion.artist_key
left join listening.dim_track on dim_track.track_key = exclusion.track_key
left join listening.dim_album on dim_album.album_key = exclusion.album_key
left join listening.dim_context on dim_context.context_key = exclusion.context_key
left join (
    select
        met.exclusion_key,
        count(*) as listen_count,
        count(*) filter (where met.is_play) as play_count,
        sum(met.listened_ms) filter (where met.is_play) as listened_ms,
        count(*) filter (where met.rule_count = 1) as own_listen_count,
        count(*) filter (where met.is_play and met.rule_count = 1) as own_play_count,
        sum(met.listened_ms) filter (where met.is_play and met.rule_count = 1) as own_listened_ms
    from (
        select
            excluded_plays.exclusion_key,
            excluded_plays.listened_ms,
            listening.is_counted(
                '30s', excluded_plays.listened_ms, excluded_plays.duration_ms, excluded_plays.reason_end
            ) as is_play,
            count(*) over (partition by excluded_plays.play_key) as rule_count
        from listening.excluded_plays('-infinity', 'infinity')
        where excluded_plays.listener_key = :listener_key
    ) as met
    group by met.exclusion_key
) as left_out on left_out.exclusion_key = exclusion.exclusion_key
where
    exclusion.listener_key = :listener_key
    and (cast(:exclusion_key as integer) is null or exclusion.exclusion_key = :exclusion_key)
order by exclusion.exclusion_key
