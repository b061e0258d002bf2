-- Grain: one listen. The plays of the batch that no known play explains.

insert into listening.fact_play (
    listener_key,
    track_key,
    date_key,
    time_key,
    context_key,
    device_key,
    play_profile_key,
    played_at,
    ms_played,
    recently_played_offset_ms
)
select
    dim_listener.listener_key,
    reported_play.track_key,
    to_char(reported_play.played_at at time zone dim_listener.time_zone, 'YYYYMMDD')::integer,
    extract(hour from reported_play.played_at at time zone dim_listener.time_zone) * 60
    + extract(minute from reported_play.played_at at time zone dim_listener.time_zone),
    reported_play.context_key,
    reported_play.device_key,
    dim_play_profile.play_profile_key,
    reported_play.played_at,
    reported_play.ms_played,
    nullif(round(extract(epoch from reported_play.latest_at - reported_play.played_at) * 1000), 0)::integer
from reported_play
inner join reported_profile on reported_profile.item_number = reported_play.item_number
inner join listening.dim_listener on dim_listener.listener_key = :listener_key
inner join listening.dim_play_profile
    on
        dim_play_profile.has_recently_played = reported_profile.has_recently_played
        and dim_play_profile.has_extended_export = reported_profile.has_extended_export
        and dim_play_profile.has_account_export = reported_profile.has_account_export
        and dim_play_profile.has_player = reported_profile.has_player
        and (
            dim_play_profile.reason_start,
            dim_play_profile.reason_end,
            dim_play_profile.is_shuffle,
            dim_play_profile.is_skipped,
            dim_play_profile.is_offline,
            dim_play_profile.is_private,
            dim_play_profile.country_code,
            dim_play_profile.ms_played_basis
        ) is not distinct from (
            reported_profile.reason_start,
            reported_profile.reason_end,
            reported_profile.is_shuffle,
            reported_profile.is_skipped,
            reported_profile.is_offline,
            reported_profile.is_private,
            reported_profile.country_code,
            reported_profile.ms_played_basis
        )
order by
    reported_play.played_at,
    reported_play.item_number
returning play_key;
