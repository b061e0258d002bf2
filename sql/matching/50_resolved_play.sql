-- The plays: the observations of each, resolved into one row. played_at is the earliest date of the list, else of the
-- extended export, else the minute of the account export. The track is the extended export's, unless it has no id and
-- the list has one, or it has no name. Milliseconds come from the extended export, else the account export. The context
-- comes from the list, everything else from the extended export. play_key is the recorded play; null means a new one. A
-- recorded play stays with the observation of its best source.

create temporary table resolved_play on commit drop as
with known as (
    select
        coalesce(play_match.source_play_number, origin.source_play_number) as resolved_number,
        min(origin.play_key) as play_key
    from origin
    left join play_match on play_match.other_number = origin.source_play_number
    where origin.is_primary
    group by coalesce(play_match.source_play_number, origin.source_play_number)
),
other as (
    select
        coalesce(play_match.source_play_number, source_play.source_play_number) as resolved_number,
        source_play.*
    from source_play
    left join play_match on play_match.other_number = source_play.source_play_number
    where source_play.source <> 'extended_export'
),
folded as (
    select
        coalesce(exported.source_play_number, listed.resolved_number, minuted.resolved_number) as resolved_number,
        coalesce(listed.observed_at, exported.observed_at, minuted.observed_at) as played_at,
        coalesce(
            case when exported.has_id then exported.track_key end,
            case when listed.has_id then listed.track_key end,
            nullif(exported.track_key, 0),
            nullif(listed.track_key, 0),
            minuted.track_key,
            0
        ) as track_key,
        exported.observed_at as exported_at,
        exported.last_observed_at as last_exported_at,
        exported.track_key as exported_track_key,
        exported.started_at,
        listed.last_observed_at as last_listed_at,
        listed.track_key as listed_track_key,
        minuted.observed_at as minuted_at,
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
        listed.source_play_number is not null as has_recently_played,
        exported.source_play_number is not null as has_extended_export,
        minuted.source_play_number is not null as has_account_export,
        false as has_player
    from (select source_play.* from source_play where source_play.source = 'extended_export') as exported
    full join (select other.* from other where other.source = 'recently_played') as listed
        on listed.resolved_number = exported.source_play_number
    full join (
        select distinct on (other.resolved_number) other.*
        from other
        where other.source = 'account_export'
        order by
            other.resolved_number,
            other.observed_at,
            other.source_play_number
    ) as minuted
        on minuted.resolved_number = coalesce(exported.source_play_number, listed.resolved_number)
)
select
    folded.resolved_number,
    known.play_key,
    folded.played_at,
    folded.track_key,
    dim_date.date_key,
    (date_part('hour', local.played_at) * 60 + date_part('minute', local.played_at))::smallint as time_key,
    folded.context_key,
    folded.device_key,
    folded.ms_played,
    -- as far as the batch knows; 63_fact_play_since_previous.sql takes the recorded plays into account
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
    -- the text of a row is quoted where necessary, so that no two combinations look alike
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
left join known on known.resolved_number = folded.resolved_number
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
        folded.resolved_number
);

analyze resolved_play (resolved_number, play_key, profile);
