-- Everything played, newest first
with reach as (
    -- without a filter, this page holds nothing older than this many plays
    select greatest(
        :since,
        case
            when
                :counts_as = 'all'
                and cast(:row_limit as bigint) is not null
                and cast(:recording_key as integer) is null
                and cast(:artist_key as integer) is null
                then (
                    select fact_play.played_at
                    from listening.fact_play
                    where
                        fact_play.listener_key = :listener_key
                        and fact_play.played_at < :until
                    order by fact_play.played_at desc
                    limit 1
                    offset cast(:row_offset as bigint) + cast(:row_limit as bigint)
                )
        end
    ) as since
),
page as (
    select
        marked_plays.play_key,
        marked_plays.played_at,
        marked_plays.track_key,
        marked_plays.content_type,
        marked_plays.context_key,
        marked_plays.device_key,
        marked_plays.play_profile_key,
        marked_plays.is_skipped,
        marked_plays.ms_basis,
        marked_plays.best_ms,
        marked_plays.is_excluded
    from reach
    cross join lateral listening.marked_plays(reach.since, :until) as marked_plays
    where
        marked_plays.listener_key = :listener_key
        and listening.is_counted(:counts_as, marked_plays.best_ms, marked_plays.duration_ms, marked_plays.reason_end)
        and (cast(:recording_key as integer) is null or marked_plays.recording_key = :recording_key)
        and (
            cast(:artist_key as integer) is null
            or marked_plays.track_key in (
                select bridge_track_artist.track_key
                from listening.standing_artist
                inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
                where standing_artist.standing_artist_key = :artist_key
            )
        )
    order by
        marked_plays.played_at desc,
        marked_plays.play_key desc
    limit :row_limit
    offset :row_offset
)
select
    page.played_at,
    dim_track.track_name,
    coalesce(
        (
            select track_credit.artist_names
            from listening.track_credit
            where track_credit.track_key = page.track_key
        ),
        case when page.content_type in ('episode', 'chapter') then dim_album.album_name end
    ) as artist_names,
    dim_album.album_name,
    page.content_type,
    page.best_ms as listened_ms,
    page.ms_basis,
    page.is_skipped,
    dim_play_profile.is_private,
    dim_context.context_uri,
    dim_device.platform,
    (
        select string_agg(source.source_name, ' ' order by source.date_rank, source.source_key)
        from listening.source
        where source.source_name = any(dim_play_profile.sources)
    ) as sources,
    dim_track.track_uri,
    listening.spotify_url(dim_track.track_uri) as track_url,
    page.is_excluded
from page
inner join listening.dim_track on dim_track.track_key = page.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.dim_context on dim_context.context_key = page.context_key
inner join listening.dim_device on dim_device.device_key = page.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = page.play_profile_key
order by
    page.played_at desc,
    page.play_key desc
