-- What Wrapped does not tell you
select
    count(*) as listen_count,
    coalesce(sum(report_listen.listened_ms), 0)::bigint as listened_ms,
    count(*) filter (where report_listen.listened_ms < 30000) as short_count,
    coalesce(sum(report_listen.listened_ms) filter (where report_listen.listened_ms < 30000), 0)::bigint as short_ms,
    count(*) filter (where report_listen.date_key % 10000 > 1115) as late_count,
    coalesce(sum(report_listen.listened_ms) filter (where report_listen.date_key % 10000 > 1115), 0)::bigint as late_ms,
    count(*) filter (where dim_play_profile.is_private) as private_count,
    coalesce(sum(report_listen.listened_ms) filter (where dim_play_profile.is_private), 0)::bigint as private_ms,
    count(*) filter (where dim_play_profile.is_offline) as offline_count,
    count(*) filter (where report_listen.track_key = 0) as unnamed_count
from report_listen
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = report_listen.play_profile_key
