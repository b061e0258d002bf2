-- Everything played, in the columns of Spotify's extended streaming history
select
    to_char(told.told_at at time zone 'UTC', 'yyyy-mm-dd"T"hh24:mi:ss')
    || case when date_trunc('second', told.told_at) = told.told_at then '' else to_char(told.told_at, '.ms') end
    || 'Z' as ts,
    dim_device.platform,
    fact_play.ms_played,
    dim_play_profile.country_code as conn_country,
    case when dim_track.content_type in ('track', 'local') then dim_track.track_name end as master_metadata_track_name,
    case when dim_track.content_type in ('track', 'local') then credit.artist_name end as master_metadata_album_artist_name,
    case when dim_track.content_type in ('track', 'local') then dim_album.album_name end as master_metadata_album_album_name,
    case when dim_track.content_type in ('track', 'local') then uri.track_uri end as spotify_track_uri,
    case when dim_track.content_type = 'episode' then dim_track.track_name end as episode_name,
    case when dim_track.content_type = 'episode' then dim_album.album_name end as episode_show_name,
    case when dim_track.content_type = 'episode' then uri.track_uri end as spotify_episode_uri,
    case when dim_track.content_type = 'chapter' then dim_album.album_name end as audiobook_title,
    case when dim_track.content_type = 'chapter' then uri.track_uri end as audiobook_chapter_uri,
    case when dim_track.content_type = 'chapter' then dim_track.track_name end as audiobook_chapter_title,
    dim_play_profile.reason_start,
    dim_play_profile.reason_end,
    dim_play_profile.is_shuffle as shuffle,
    dim_play_profile.is_skipped as skipped,
    dim_play_profile.is_offline as offline,
    round(extract(epoch from fact_play.played_at + fact_play.start_offset_ms * interval '1 millisecond') * 1000)::bigint as offline_timestamp,
    dim_play_profile.is_private as incognito_mode
from listening.fact_play
inner join listening.dim_track on dim_track.track_key = fact_play.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.dim_device on dim_device.device_key = fact_play.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
left join (
    select
        bridge_track_artist.track_key,
        (array_agg(dim_artist.artist_name order by bridge_track_artist.position))[1] as artist_name
    from listening.bridge_track_artist
    inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
    group by bridge_track_artist.track_key
) as credit on credit.track_key = fact_play.track_key
cross join lateral (
    -- what has no URI of Spotify's is known by its names
    select case when starts_with(dim_track.track_uri, 'spotify:') then dim_track.track_uri end as track_uri
) as uri
cross join lateral (
    -- as the export dated it, and once more where it told it again
    select fact_play.played_at + coalesce(fact_play.extended_export_offset_ms, 0) * interval '1 millisecond' as told_at
    union all
    select fact_play.played_at + fact_play.extended_export_last_offset_ms * interval '1 millisecond'
    where fact_play.extended_export_last_offset_ms is not null
) as told
where
    fact_play.listener_key = :listener_key
    and fact_play.played_at >= :since
    and fact_play.played_at < :until
order by
    told.told_at,
    fact_play.play_key
