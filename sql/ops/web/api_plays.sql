-- A page of what a listener played, newest first, from before a moment and a play on: of an artist, a recording, an
-- album, a source, or (null) all.
with page as materialized (
    select
        timed_plays.play_key,
        timed_plays.played_at,
        timed_plays.date_key,
        timed_plays.track_key,
        timed_plays.recording_key,
        timed_plays.content_type,
        timed_plays.duration_ms,
        timed_plays.context_key,
        timed_plays.device_key,
        timed_plays.is_skipped,
        timed_plays.ms_basis,
        timed_plays.best_ms,
        dim_play_profile.is_private,
        dim_play_profile.sources
    from listening.timed_plays(:since, :until)
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = timed_plays.play_profile_key
    where
        timed_plays.listener_key = :listener_key
        and (timed_plays.played_at, timed_plays.play_key)
        < (cast(:before_at as timestamptz), cast(:before_key as bigint))
        and listening.is_counted(:counts_as, timed_plays.best_ms, timed_plays.duration_ms, timed_plays.reason_end)
        and (cast(:recording_key as integer) is null or timed_plays.recording_key = :recording_key)
        and (cast(:source as text) is null or :source = any(dim_play_profile.sources))
        and (
            cast(:artist_key as integer) is null
            or timed_plays.track_key in (
                select bridge_track_artist.track_key
                from listening.standing_artist
                inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
                where standing_artist.standing_artist_key = :artist_key
            )
        )
        and (
            cast(:album_key as integer) is null
            or timed_plays.album_key in (
                select album_edition.edition_key
                from listening.album_edition
                where album_edition.album_key = :album_key
            )
        )
    order by
        timed_plays.played_at desc,
        timed_plays.play_key desc
    limit :row_limit
),
reach as materialized (
    select
        min(page.played_at) as since,
        max(page.played_at) + interval '1 microsecond' as until
    from page
)
select
    page.play_key,
    page.played_at,
    to_date(page.date_key::text, 'yyyymmdd') as local_date,
    page.content_type,
    nullif(page.recording_key, 0) as recording_key,
    dim_track.track_name,
    coalesce(
        (
            select track_credit.artist_names
            from listening.track_credit
            where track_credit.track_key = page.track_key
        ),
        case when page.content_type in ('episode', 'chapter') then dim_album.album_name end
    ) as artist_names,
    nullif(dim_album.album_key, 0) as album_key,
    dim_album.album_name,
    dim_track.track_uri,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    page.duration_ms,
    page.best_ms as listened_ms,
    page.ms_basis,
    page.is_skipped,
    page.is_private,
    dim_context.context_uri,
    dim_device.platform,
    coalesce(
        (
            select array_agg(source.source_name order by source.date_rank, source.source_key)
            from listening.source
            where source.source_name = any(page.sources)
        ),
        '{}'
    ) as sources,
    page.play_key in (
        select excluded_plays.play_key
        from reach
        cross join lateral listening.excluded_plays(reach.since, reach.until) as excluded_plays
        where excluded_plays.listener_key = :listener_key
    ) as is_excluded
from page
inner join listening.dim_track on dim_track.track_key = page.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.dim_context on dim_context.context_key = page.context_key
inner join listening.dim_device on dim_device.device_key = page.device_key
order by
    page.played_at desc,
    page.play_key desc
