-- Everything played, in the columns of Spotify's extended streaming history
with reported as materialized (
    -- with sources, one row per observation; otherwise one per play, as its best source says, but dated to its
    -- end where that is known to be earlier than the source's date
    select
        ranked.play_key,
        ranked.source,
        ranked.has_ids,
        ranked.has_details,
        ranked.track_key,
        ranked.reported_at,
        ranked.started_at,
        ranked.ms_played,
        ranked.device_key,
        ranked.play_profile_key,
        ranked.sequence
    from (
        select
            observation.play_key,
            source.source_name as source,
            source.has_ids,
            source.profile_rank is not null as has_details,
            observation.track_key,
            observation.observed_at as reported_at,
            observation.started_at,
            observation.ms_played,
            observation.device_key,
            observation.play_profile_key,
            observation.sequence,
            row_number() over (
                partition by observation.play_key
                order by
                    source.ms_rank nulls last,
                    observation.track_key = 0,
                    observation.observed_at,
                    observation.ms_played desc
            ) as choice
        from listening.observation
        inner join listening.source on source.source_key = observation.source_key
        where observation.listener_key = :listener_key
    ) as ranked
    where
        cast(:with_sources as boolean)
        or ranked.choice = 1
)
select
    to_char(
        dated.reported_at at time zone 'UTC',
        'yyyy-mm-dd"T"hh24:mi:ss'
    )
    || case
        when cast(:with_sources as boolean) and date_trunc('second', reported.reported_at) <> reported.reported_at
            then to_char(reported.reported_at, '.ms')
        else ''
    end
    || 'Z' as ts,
    case when reported.has_details then dim_device.platform end as platform,
    case
        when cast(:with_sources as boolean) then reported.ms_played
        else coalesce(
            fact_play.ms_played,
            listening.estimated_ms(fact_play.since_previous_ms, dim_track.duration_ms)
        )
    end as ms_played,
    case when reported.has_details then dim_play_profile.country_code end as conn_country,
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
    case when reported.has_details then dim_play_profile.reason_start end as reason_start,
    case when reported.has_details then dim_play_profile.reason_end end as reason_end,
    case when reported.has_details then dim_play_profile.is_shuffle end as shuffle,
    case when reported.has_details then dim_play_profile.is_skipped end as skipped,
    case when reported.has_details then dim_play_profile.is_offline end as offline,
    round(extract(epoch from reported.started_at) * 1000)::bigint as offline_timestamp,
    dim_play_profile.is_private as incognito_mode,
    nullif(reported.source, :layout_of) as brapped_source
from reported
inner join listening.fact_play
    on
        fact_play.listener_key = :listener_key
        and fact_play.play_key = reported.play_key
cross join lateral (
    select
        case
            when
                cast(:with_sources as boolean)
                or fact_play.played_at >= reported.reported_at - interval '1 minute'
                then reported.reported_at
            else fact_play.played_at
        end as reported_at
) as dated
cross join lateral (
    -- with sources, the track as the source names it; some sources have only its name
    select
        case when cast(:with_sources as boolean) then reported.track_key else fact_play.track_key end as track_key,
        cast(:with_sources as boolean) and not reported.has_ids as is_by_name
) as named
inner join listening.dim_track on dim_track.track_key = named.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.dim_device on dim_device.device_key = reported.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = reported.play_profile_key
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
    dated.reported_at,
    reported.play_key,
    reported.source,
    reported.sequence
