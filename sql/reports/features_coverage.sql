-- Whose features these are
with known as (
    select
        count(*) as all_track_count,
        count(*) filter (where report_feature.provider is not null) as known_track_count,
        coalesce(
            sum(report_feature.play_count) filter (where report_feature.provider is not null)
            / nullif(sum(report_feature.play_count), 0),
            0
        )::double precision as known_play_share
    from report_feature
),
told as (
    select
        report_feature.provider,
        count(*) as track_count,
        sum(track_feature.out_of_range_count)::bigint as out_of_range_count
    from report_feature
    inner join listening.track_feature
        on
            track_feature.track_key = report_feature.track_key
            and track_feature.provider = report_feature.provider
    group by report_feature.provider
)
select
    coalesce(provider.provider_name, 'nobody yet') as provider_name,
    coalesce(told.track_count, 0) as track_count,
    known.known_track_count,
    known.all_track_count,
    known.known_play_share,
    coalesce(told.out_of_range_count, 0) as out_of_range_count
from known
left join told on true
left join listening.provider on provider.provider = told.provider
where known.all_track_count > 0
order by provider.feature_rank
