-- The listens: what the sources tell of each, folded into one row, with the best of each. played_at is the list's earliest date,
-- else the extended export's, else the account export's minute. The name is the extended export's, unless it has no id and the
-- list has, or names nothing. Milliseconds are the extended export's, else the account export's; the context is the list's, all
-- else the extended export's.
-- play_key is the known play that this is; null: a new one. A known play goes where its best source went.

create temporary table listen on commit drop as
with member as (
    select
        coalesce(same_listen.told_number, told_play.told_number) as listen_number,
        told_play.*
    from told_play
    left join same_listen on same_listen.other_number = told_play.told_number
),
known as (
    select
        member.listen_number,
        min(origin.play_key) as play_key
    from origin
    inner join member on member.told_number = origin.told_number
    where origin.is_primary
    group by member.listen_number
),
folded as (
    select
        coalesce(exported.listen_number, listed.listen_number, minuted.listen_number) as listen_number,
        coalesce(listed.told_at, exported.told_at, minuted.told_at) as played_at,
        coalesce(
            case when exported_track.track_id is not null then exported.track_key end,
            case when listed_track.track_id is not null then listed.track_key end,
            nullif(exported.track_key, 0),
            nullif(listed.track_key, 0),
            minuted.track_key,
            0
        ) as track_key,
        exported.told_at as exported_at,
        exported.last_told_at as last_exported_at,
        exported.track_key as exported_track_key,
        exported.started_at,
        listed.last_told_at as last_listed_at,
        listed.track_key as listed_track_key,
        minuted.told_at as minuted_at,
        minuted.track_key as minuted_track_key,
        coalesce(exported.ms_played, minuted.ms_played) as ms_played,
        coalesce(listed.context_key, 0) as context_key,
        coalesce(exported.device_key, 0) as device_key,
        exported.reason_start,
        exported.reason_end,
        exported.is_shuffle,
        exported.is_skipped,
        exported.is_offline,
        exported.is_private,
        exported.country_code,
        case when coalesce(exported.ms_played, minuted.ms_played) is not null then 'reported' end as ms_played_basis,
        listed.told_number is not null as has_recently_played,
        exported.told_number is not null as has_extended_export,
        minuted.told_number is not null as has_account_export,
        false as has_player
    from (select * from member where member.source = 'extended_export') as exported
    full join (select * from member where member.source = 'recently_played') as listed
        on listed.listen_number = exported.listen_number
    full join (select * from member where member.source = 'account_export') as minuted
        on minuted.listen_number = coalesce(exported.listen_number, listed.listen_number)
    left join listening.dim_track as exported_track on exported_track.track_key = exported.track_key
    left join listening.dim_track as listed_track on listed_track.track_key = listed.track_key
)
select
    folded.*,
    known.play_key
from folded
left join known on known.listen_number = folded.listen_number;

analyze listen;

create temporary table play_row on commit drop as
select
    listen.listen_number,
    listen.play_key,
    listen.played_at,
    listen.track_key,
    to_char(local.played_at, 'YYYYMMDD')::integer as date_key,
    (extract(hour from local.played_at) * 60 + extract(minute from local.played_at))::smallint as time_key,
    listen.context_key,
    listen.device_key,
    concat_ws(
        chr(10),
        coalesce(listen.reason_start, chr(26)),
        coalesce(listen.reason_end, chr(26)),
        coalesce(listen.country_code, chr(26)),
        coalesce(listen.ms_played_basis, chr(26)),
        coalesce(listen.is_shuffle::text, chr(26)),
        coalesce(listen.is_skipped::text, chr(26)),
        coalesce(listen.is_offline::text, chr(26)),
        coalesce(listen.is_private::text, chr(26)),
        listen.has_recently_played::text,
        listen.has_extended_export::text,
        listen.has_account_export::text,
        listen.has_player::text
    ) as profile,
    listen.ms_played,
    nullif(since.listed_ms, 0) as recently_played_offset_ms,
    nullif(since.exported_ms, 0) as extended_export_offset_ms,
    case when listen.last_exported_at > listen.exported_at then since.last_exported_ms end as extended_export_last_offset_ms,
    case
        when listen.minuted_at <> date_trunc('minute', coalesce(listen.exported_at, listen.played_at)) then since.minuted_ms
    end as account_export_offset_ms,
    since.start_ms as start_offset_ms,
    nullif(listen.listed_track_key, listen.track_key) as recently_played_track_key,
    nullif(listen.exported_track_key, listen.track_key) as extended_export_track_key,
    case when listen.minuted_track_key = 0 then nullif(0, listen.track_key) end as account_export_track_key
from listen
inner join listening.dim_listener on dim_listener.listener_key = :listener_key
cross join lateral (select listen.played_at at time zone dim_listener.time_zone as played_at) as local
cross join lateral (
    select
        least(round(extract(epoch from listen.last_listed_at - listen.played_at) * 1000), 2147483647)::integer as listed_ms,
        round(extract(epoch from listen.exported_at - listen.played_at) * 1000)::integer as exported_ms,
        least(round(extract(epoch from listen.last_exported_at - listen.played_at) * 1000), 2147483647)::integer as last_exported_ms,
        round(extract(epoch from listen.minuted_at - listen.played_at) * 1000)::integer as minuted_ms,
        round(extract(epoch from listen.started_at - listen.played_at) * 1000)::integer as start_ms
) as since;
