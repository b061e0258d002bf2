-- Everything played, in the columns of Spotify's extended streaming history
with ranked as (
    -- the source of the milliseconds of a play
    select
        play_source.play_key,
        play_source.played_at,
        play_source.source,
        play_source.track_key,
        play_source.first_reported_at,
        row_number() over (
            partition by play_source.play_key
            order by array_position(array['extended_export', 'account_export', 'recently_played'], play_source.source)
        ) as choice
    from listening.play_source
    where play_source.listener_key = :listener_key
),
reported as materialized (
    -- one row per play, dated by its best source; or, with sources, one row per play and source, dated by that source,
    -- and a second row where the extended export repeated the play
    select
        ranked.play_key,
        ranked.played_at,
        ranked.source,
        ranked.track_key,
        ranked.first_reported_at as reported_at
    from ranked
    where
        cast(:with_sources as boolean)
        or ranked.choice = 1
    union all
    select
        play_source.play_key,
        play_source.played_at,
        play_source.source,
        play_source.track_key,
        play_source.last_reported_at
    from listening.play_source
    where
        cast(:with_sources as boolean)
        and play_source.listener_key = :listener_key
        and play_source.source = 'extended_export'
        and play_source.last_reported_at > play_source.first_reported_at
)
select
    to_char(reported.reported_at at time zone 'UTC', 'yyyy-mm-dd"T"hh24:mi:ss')
    || case
        when cast(:with_sources as boolean) and date_trunc('second', reported.reported_at) <> reported.reported_at
            then to_char(reported.reported_at, '.ms')
        else ''
    end
    || 'Z' as ts,
    case when reported.source = 'extended_export' then dim_device.platform end as platform,
    case
        when reported.source <> 'recently_played' then fact_play.ms_played
        when not cast(:with_sources as boolean)
            then listening.estimated_ms(fact_play.since_previous_ms, dim_track.duration_ms)
    end as ms_played,
    case when reported.source = 'extended_export' then dim_play_profile.country_code end as conn_country,
    case when dim_track.content_type in ('track', 'local') then dim_track.track_name end as master_metadata_track_name,
    case
        when dim_track.content_type in ('track', 'local')
            then credit.artist_name
    end as master_metadata_album_artist_name,
    case
        when dim_track.content_type in ('track', 'local') and not named.is_by_name
            then dim_album.album_name
    end as master_metadata_album_album_name,
    case when dim_track.content_type in ('track', 'local') then uri.track_uri end as spotify_track_uri,
    case when dim_track.content_type = 'episode' then dim_track.track_name end as episode_name,
    case when dim_track.content_type = 'episode' then dim_album.album_name end as episode_show_name,
    case when dim_track.content_type = 'episode' then uri.track_uri end as spotify_episode_uri,
    case when dim_track.content_type = 'chapter' then dim_album.album_name end as audiobook_title,
    case when dim_track.content_type = 'chapter' then uri.track_uri end as audiobook_chapter_uri,
    case when dim_track.content_type = 'chapter' then dim_track.track_name end as audiobook_chapter_title,
    case when reported.source = 'extended_export' then dim_play_profile.reason_start end as reason_start,
    case when reported.source = 'extended_export' then dim_play_profile.reason_end end as reason_end,
    case when reported.source = 'extended_export' then dim_play_profile.is_shuffle end as shuffle,
    case when reported.source = 'extended_export' then dim_play_profile.is_skipped end as skipped,
    case when reported.source = 'extended_export' then dim_play_profile.is_offline end as offline,
    case
        when reported.source = 'extended_export'
            then round(
                extract(epoch from fact_play.played_at + fact_play.start_offset_ms * interval '1 millisecond') * 1000
            )::bigint
    end as offline_timestamp,
    dim_play_profile.is_private as incognito_mode,
    nullif(reported.source, 'extended_export') as brapped_source
from reported
inner join listening.fact_play
    on
        fact_play.listener_key = :listener_key
        and fact_play.played_at = reported.played_at
        and fact_play.play_key = reported.play_key
cross join lateral (
    -- with sources, the track as the source names it; the account export has only its name
    select
        case when cast(:with_sources as boolean) then reported.track_key else fact_play.track_key end as track_key,
        cast(:with_sources as boolean) and reported.source = 'account_export' as is_by_name
) as named
inner join listening.dim_track on dim_track.track_key = named.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.dim_device on dim_device.device_key = fact_play.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
left join lateral (
    select dim_artist.artist_name
    from listening.bridge_track_artist
    inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
    where bridge_track_artist.track_key = dim_track.track_key
    order by bridge_track_artist.position
    limit 1
) as credit on true
cross join lateral (
    -- without a Spotify URI, names identify it
    select
        case
            when starts_with(dim_track.track_uri, 'spotify:') and not named.is_by_name then dim_track.track_uri
        end as track_uri
) as uri
where
    fact_play.played_at >= :since
    and fact_play.played_at < :until
order by
    reported.reported_at,
    reported.play_key,
    reported.source
