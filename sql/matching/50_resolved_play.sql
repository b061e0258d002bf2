-- The listens: what the sources tell of each, folded into one row, with the best of each. played_at is the list's earliest date,
-- else the extended export's, else the account export's minute. The name is the extended export's, unless it has no id and the
-- list has, or names nothing. Milliseconds are the extended export's, else the account export's; the context is the list's, all
-- else the extended export's.
-- play_key is the known play that this is; null: a new one. A known play goes where its best source went.

create temporary table listen on commit drop as
with known as (
    select
        coalesce(same_listen.told_number, origin.told_number) as listen_number,
        min(origin.play_key) as play_key
    from origin
    left join same_listen on same_listen.other_number = origin.told_number
    where origin.is_primary
    group by coalesce(same_listen.told_number, origin.told_number)
),
other as (
    select
        coalesce(same_listen.told_number, told_play.told_number) as listen_number,
        told_play.*
    from told_play
    left join same_listen on same_listen.other_number = told_play.told_number
    where told_play.source <> 'extended_export'
),
folded as (
    select
        coalesce(exported.told_number, listed.listen_number, minuted.listen_number) as listen_number,
        coalesce(listed.told_at, exported.told_at, minuted.told_at) as played_at,
        coalesce(
            case when exported.has_id then exported.track_key end,
            case when listed.has_id then listed.track_key end,
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
    from (select told_play.* from told_play where told_play.source = 'extended_export') as exported
    full join (select other.* from other where other.source = 'recently_played') as listed
        on listed.listen_number = exported.told_number
    full join (
        select distinct on (other.listen_number) other.*
        from other
        where other.source = 'account_export'
        order by
            other.listen_number,
            other.told_at,
            other.told_number
    ) as minuted
        on minuted.listen_number = coalesce(exported.told_number, listed.listen_number)
)
select
    folded.listen_number,
    known.play_key,
    folded.played_at,
    folded.track_key,
    dim_date.date_key,
    (date_part('hour', local.played_at) * 60 + date_part('minute', local.played_at))::smallint as time_key,
    folded.context_key,
    folded.device_key,
    folded.ms_played,
    -- as far as the batch knows; fact_play_spaced knows what was there besides
    case
        when folded.played_at - lag(folded.played_at) over in_time <= interval '1 day'
            then round(date_part('epoch', folded.played_at - lag(folded.played_at) over in_time) * 1000)::integer
    end as since_previous_ms,
    since.listed_ms::integer as recently_played_offset_ms,
    since.exported_ms::integer as extended_export_offset_ms,
    since.last_exported_ms::integer as extended_export_last_offset_ms,
    since.minuted_ms::integer as account_export_offset_ms,
    since.start_ms::integer as start_offset_ms,
    nullif(folded.listed_track_key, folded.track_key) as recently_played_track_key,
    nullif(folded.exported_track_key, folded.track_key) as extended_export_track_key,
    nullif(folded.minuted_track_key, folded.track_key) as account_export_track_key,
    folded.reason_start,
    folded.reason_end,
    folded.is_shuffle,
    folded.is_skipped,
    folded.is_offline,
    folded.is_private,
    folded.country_code,
    folded.ms_played_basis,
    folded.has_recently_played,
    folded.has_extended_export,
    folded.has_account_export,
    folded.has_player,
    -- as a row writes itself: quoted where it has to be, so that no two combinations look alike
    row(
        folded.reason_start,
        folded.reason_end,
        folded.country_code,
        folded.ms_played_basis,
        folded.is_shuffle,
        folded.is_skipped,
        folded.is_offline,
        folded.is_private,
        folded.has_recently_played,
        folded.has_extended_export,
        folded.has_account_export,
        folded.has_player
    )::text as profile
from folded
left join known on known.listen_number = folded.listen_number
inner join listening.dim_listener on dim_listener.listener_key = :listener_key
cross join lateral (select folded.played_at at time zone dim_listener.time_zone as played_at) as local
inner join listening.dim_date on dim_date.full_date = local.played_at::date
cross join lateral (
    select
        case
            when folded.last_listed_at > folded.played_at
                then least(round(date_part('epoch', folded.last_listed_at - folded.played_at) * 1000), 2147483647)
        end as listed_ms,
        case
            when folded.exported_at <> folded.played_at
                then round(date_part('epoch', folded.exported_at - folded.played_at) * 1000)
        end as exported_ms,
        case
            when folded.last_exported_at > folded.exported_at
                then least(round(date_part('epoch', folded.last_exported_at - folded.played_at) * 1000), 2147483647)
        end as last_exported_ms,
        case
            when folded.minuted_at <> date_trunc('minute', coalesce(folded.exported_at, folded.played_at))
                then round(date_part('epoch', folded.minuted_at - folded.played_at) * 1000)
        end as minuted_ms,
        case
            when abs(date_part('epoch', folded.started_at - folded.played_at)) < 2147483
                then round(date_part('epoch', folded.started_at - folded.played_at) * 1000)
        end as start_ms
) as since
window in_time as (
    order by
        folded.played_at,
        folded.listen_number
);

analyze listen (listen_number, play_key, profile);
