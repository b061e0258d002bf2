-- A play of the listener, with everything that is known of it. No row: there is none of this key.
select
    timed_plays.play_key,
    timed_plays.played_at,
    timed_plays.recording_key,
    dim_track.track_name,
    coalesce(
        (
            select track_credit.artist_names
            from listening.track_credit
            where track_credit.track_key = timed_plays.track_key
        ),
        case when timed_plays.content_type in ('episode', 'chapter') then dim_album.album_name end
    ) as artist_names,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = timed_plays.track_key
    ) as artists,
    dim_album.album_key,
    dim_album.album_name,
    dim_album.image_url,
    listening.spotify_url(dim_track.track_uri) as track_url,
    timed_plays.best_ms as listened_ms,
    timed_plays.ms_basis,
    timed_plays.duration_ms,
    timed_plays.reason_end,
    timed_plays.is_skipped,
    dim_play_profile.reason_start,
    dim_play_profile.is_shuffle,
    dim_play_profile.is_offline,
    dim_play_profile.is_private,
    dim_play_profile.country_code,
    timed_plays.context_key,
    dim_context.context_type,
    dim_context.context_uri,
    dim_context.context_name,
    coalesce(dim_device.device_name, dim_device.platform) as device_name
from listening.timed_plays('-infinity', 'infinity') as timed_plays
inner join listening.dim_track on dim_track.track_key = timed_plays.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.dim_context on dim_context.context_key = timed_plays.context_key
inner join listening.dim_device on dim_device.device_key = timed_plays.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = timed_plays.play_profile_key
where
    timed_plays.listener_key = :listener_key
    and timed_plays.play_key = :play_key
