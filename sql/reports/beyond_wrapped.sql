-- What Wrapped does not tell you
select
    count(*) as listen_count,
    coalesce(sum(report_listen.listened_ms), 0)::bigint as listened_ms,
    count(*) filter (where report_listen.listened_ms < 30000) as short_count,
    coalesce(sum(report_listen.listened_ms) filter (where report_listen.listened_ms < 30000), 0)::bigint as short_ms,
    -- null where nothing of these weeks is recorded, or no source says it
    case when late.is_recorded then count(*) filter (where report_listen.date_key % 10000 > 1115) end as late_count,
    case
        when late.is_recorded
            then coalesce(
                sum(report_listen.listened_ms) filter (where report_listen.date_key % 10000 > 1115),
                0
            )::bigint
    end as late_ms,
    case
        when count(dim_play_profile.is_private) > 0 then count(*) filter (where dim_play_profile.is_private)
    end as private_count,
    case
        when count(dim_play_profile.is_private) > 0
            then coalesce(sum(report_listen.listened_ms) filter (where dim_play_profile.is_private), 0)::bigint
    end as private_ms,
    case
        when count(dim_play_profile.is_offline) > 0 then count(*) filter (where dim_play_profile.is_offline)
    end as offline_count,
    count(*) filter (where report_listen.track_key = 0) as unnamed_count
from report_listen
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = report_listen.play_profile_key
cross join (
    select
        cast(:covered_days as datemultirange) + cast(:lost_days as datemultirange)
        && daterange(
            make_date(extract(year from cast(:since_date as date))::integer, 11, 16),
            :until_date,
            '[]'
        ) as is_recorded
) as late
group by late.is_recorded
