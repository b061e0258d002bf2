-- Everything played, newest first
with word as (
    select search_words.*
    from listening.search_words(:search_text) as search_words
),
met as (
    -- with the longest words; all of them are looked for below
    select dim_track.track_key
    from word
    inner join listening.dim_track on listening.folded(dim_track.track_name) like word.pattern
    where word.is_looked_up
    union
    select bridge_track_artist.track_key
    from word
    inner join listening.dim_artist on listening.folded(dim_artist.artist_name) like word.pattern
    inner join listening.bridge_track_artist on bridge_track_artist.artist_key = dim_artist.artist_key
    where word.is_looked_up
    union
    select dim_track.track_key
    from word
    inner join listening.dim_album on listening.folded(dim_album.album_name) like word.pattern
    inner join listening.dim_track on dim_track.album_key = dim_album.album_key
    where word.is_looked_up
),
wanted as materialized (
    -- tracks in whose name, artists and album all words are
    select met.track_key
    from met
    inner join listening.dim_track on dim_track.track_key = met.track_key
    inner join listening.dim_album on dim_album.album_key = dim_track.album_key
    left join listening.track_credit on track_credit.track_key = met.track_key
    cross join lateral (
        select
            listening.folded(
                concat_ws(' ', track_credit.artist_names, dim_track.track_name, dim_album.album_name)
            ) as folded
    ) as whole
    where not exists (select 1 from word as other where strpos(whole.folded, other.word) = 0)
),
page as (
    select
        timed_plays.play_key,
        timed_plays.played_at,
        timed_plays.track_key,
        timed_plays.recording_key,
        timed_plays.content_type,
        timed_plays.context_key,
        timed_plays.device_key,
        timed_plays.play_profile_key,
        timed_plays.is_skipped,
        timed_plays.ms_basis,
        timed_plays.best_ms
    from listening.timed_plays(:since, :until) as timed_plays
    where
        timed_plays.listener_key = :listener_key
        and listening.is_counted(:counts_as, timed_plays.best_ms, timed_plays.duration_ms, timed_plays.reason_end)
        -- older than the last play of the page before
        and (
            cast(:before_key as bigint) is null
            or (timed_plays.played_at, timed_plays.play_key)
            < (cast(:before_at as timestamptz), cast(:before_key as bigint))
        )
        and (cast(:recording_key as integer) is null or timed_plays.recording_key = :recording_key)
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
        and (cast(:context_key as integer) is null or timed_plays.context_key = :context_key)
        and (
            cast(:source_name as text) is null
            or timed_plays.play_profile_key in (
                select dim_play_profile.play_profile_key
                from listening.dim_play_profile
                where dim_play_profile.sources @> array[:source_name]
            )
        )
        and (cast(:search_text as text) is null or timed_plays.track_key in (select wanted.track_key from wanted))
        and (not :only_skipped or timed_plays.is_skipped)
    order by
        timed_plays.played_at desc,
        timed_plays.play_key desc
    limit :row_limit
    offset :row_offset
),
edge as (
    select
        min(page.played_at) as since,
        max(page.played_at) + interval '1 microsecond' as until
    from page
),
left_out as (
    select excluded_plays.play_key
    from edge
    cross join lateral listening.excluded_plays(edge.since, edge.until) as excluded_plays
    where excluded_plays.listener_key = :listener_key
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
    page.play_key in (select left_out.play_key from left_out) as is_excluded,
    page.play_key,
    page.recording_key,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = page.track_key
    ) as artists,
    dim_album.album_key,
    page.context_key,
    dim_context.context_type,
    dim_context.context_name
from page
inner join listening.dim_track on dim_track.track_key = page.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.dim_context on dim_context.context_key = page.context_key
inner join listening.dim_device on dim_device.device_key = page.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = page.play_profile_key
order by
    page.played_at desc,
    page.play_key desc
