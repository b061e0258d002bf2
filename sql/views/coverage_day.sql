-- Grain: a listener and a local day, from the first recorded one to today: which sources report its plays, and whether
-- it is covered.

create or replace view listening.coverage_day with (security_invoker = true) as
select
    period_coverage.listener_key,
    period_coverage.period_start as local_date,
    coalesce(reported.listen_count, 0) as listen_count,
    coalesce((reported.source_counts ->> 'recently_played')::bigint, 0) as recently_played_count,
    coalesce((reported.source_counts ->> 'extended_export')::bigint, 0) as extended_export_count,
    coalesce((reported.source_counts ->> 'account_export')::bigint, 0) as account_export_count,
    coalesce(reported.unknown_track_count, 0) as unknown_track_count,
    period_coverage.coverage = 'gap' as has_gap,
    period_coverage.coverage,
    coalesce(reported.source_counts, '{}') as source_counts
from listening.period_coverage('day')
left join (
    select
        by_source.listener_key,
        by_source.date_key,
        sum(by_source.listen_count) filter (where by_source.source_name is null)::bigint as listen_count,
        sum(by_source.unknown_track_count) filter (where by_source.source_name is null)::bigint as unknown_track_count,
        jsonb_object_agg(
            by_source.source_name,
            by_source.listen_count
        ) filter (where by_source.source_name is not null) as source_counts
    from (
        select
            by_profile.listener_key,
            by_profile.date_key,
            source.source_name,
            sum(by_profile.listen_count) as listen_count,
            sum(by_profile.unknown_track_count) as unknown_track_count
        from (
            select
                fact_play.listener_key,
                fact_play.date_key,
                fact_play.play_profile_key,
                count(*) as listen_count,
                count(*) filter (where fact_play.track_key = 0) as unknown_track_count
            from listening.fact_play
            group by
                fact_play.listener_key,
                fact_play.date_key,
                fact_play.play_profile_key
        ) as by_profile
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = by_profile.play_profile_key
        -- one row more, without a source, counts each play once
        cross join unnest(dim_play_profile.sources || null::text) as source (source_name)
        group by
            by_profile.listener_key,
            by_profile.date_key,
            source.source_name
    ) as by_source
    group by
        by_source.listener_key,
        by_source.date_key
) as reported
    on
        reported.listener_key = period_coverage.listener_key
        and reported.date_key = to_char(period_coverage.period_start, 'yyyymmdd')::integer;

comment on view listening.coverage_day is
    'Every local day of a listener from the first that is recorded to today: which sources report plays of it, and '
    'whether it is covered, has a gap or is not recorded.';
comment on column listening.coverage_day.listener_key is 'Who listened.';
comment on column listening.coverage_day.local_date is 'The day.';
comment on column listening.coverage_day.listen_count is 'Everything that was listened to, however short.';
comment on column listening.coverage_day.recently_played_count is 'Plays that the recently-played list reported.';
comment on column listening.coverage_day.extended_export_count is 'Plays that an extended export reported.';
comment on column listening.coverage_day.account_export_count is 'Plays that an account export reported.';
comment on column listening.coverage_day.source_counts is
    'Plays that each source reported, by the name of the source: {"recently_played": 12, "player": 3}.';
comment on column listening.coverage_day.unknown_track_count is 'What of it is of the unknown track.';
comment on column listening.coverage_day.has_gap is
    'Plays of this day were probably lost, and no export has brought them yet. coverage_span has the reason.';
comment on column listening.coverage_day.coverage is
    'gap: an open gap touches the day, so plays of it were probably lost. Else covered: a source covers some of the '
    'day, or a play of it is recorded; no plays then means that nothing was played. Else not recorded: whether '
    'anything was played is not known.';
