-- Grain: a listener and a local day from the first play to the last: which sources told of that day, and whether plays are missing.

create or replace view listening.coverage_day as
select
    reach.listener_key,
    dim_date.full_date as local_date,
    coalesce(told.listen_count, 0) as listen_count,
    coalesce(told.recently_played_count, 0) as recently_played_count,
    coalesce(told.extended_export_count, 0) as extended_export_count,
    coalesce(told.account_export_count, 0) as account_export_count,
    coalesce(told.unknown_track_count, 0) as unknown_track_count,
    exists (
        select 1
        from ops.coverage
        where
            coverage.listener_key = reach.listener_key
            and coverage.state = 'gap'
            and coverage.closed_at is null
            and (coverage.starts_at at time zone reach.time_zone)::date <= dim_date.full_date
            and (coverage.ends_at at time zone reach.time_zone)::date >= dim_date.full_date
    ) as has_gap
from (
    select
        dim_listener.listener_key,
        dim_listener.time_zone,
        min(fact_play.date_key) as first_date_key,
        max(fact_play.date_key) as last_date_key
    from listening.dim_listener
    inner join listening.fact_play on fact_play.listener_key = dim_listener.listener_key
    group by dim_listener.listener_key
) as reach
inner join listening.dim_date on dim_date.date_key between reach.first_date_key and reach.last_date_key
left join (
    select
        fact_play.listener_key,
        fact_play.date_key,
        count(*) as listen_count,
        count(*) filter (where dim_play_profile.has_recently_played) as recently_played_count,
        count(*) filter (where dim_play_profile.has_extended_export) as extended_export_count,
        count(*) filter (where dim_play_profile.has_account_export) as account_export_count,
        count(*) filter (where fact_play.track_key = 0) as unknown_track_count
    from listening.fact_play
    inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
    group by
        fact_play.listener_key,
        fact_play.date_key
) as told
    on
        told.listener_key = reach.listener_key
        and told.date_key = dim_date.date_key;

comment on view listening.coverage_day is 'Which sources told of a local day, and whether plays are missing: every day of a listener from the first play to the last.';
comment on column listening.coverage_day.listener_key is 'Who listened.';
comment on column listening.coverage_day.local_date is 'The day.';
comment on column listening.coverage_day.listen_count is 'Everything that was listened to, however short.';
comment on column listening.coverage_day.recently_played_count is 'What of it the recently-played list told.';
comment on column listening.coverage_day.extended_export_count is 'What of it an extended export told.';
comment on column listening.coverage_day.account_export_count is 'What of it an account export told.';
comment on column listening.coverage_day.unknown_track_count is 'What of it is of the unknown track.';
comment on column listening.coverage_day.has_gap is 'Plays of this day were probably lost, and no export has brought them yet: more of them than Spotify''s list holds lay between two runs.';
