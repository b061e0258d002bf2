-- What each content of an import covers: the music of the file, apart where it pauses for more than two weeks. The days
-- of several files of a package are joined by covered.sql as coverage/covered_by_exports.sql joins them.
insert into ops.import_span (
    import_content_key,
    source,
    starts_at,
    ends_at
)
select
    numbered.content_key,
    numbered.source,
    min(numbered.starts_at),
    max(numbered.ends_at)
from (
    select
        paused.*,
        count(*) filter (where paused.is_apart) over (
            partition by
                paused.content_key,
                paused.source
            order by paused.starts_at
        ) as span_number
    from (
        select
            export_day.*,
            export_day.starts_at - lag(export_day.ends_at) over (
                partition by
                    export_day.content_key,
                    export_day.source
                order by export_day.starts_at
            ) > interval '14 days' as is_apart
        from (
            select
                content.content_key,
                staging_play.source,
                min(staging_play.played_at) as starts_at,
                max(staging_play.played_at) as ends_at
            from staging_play
            inner join unnest(cast(:content_keys as integer[])) with ordinality as content (content_key, file_count)
                on content.file_count = staging_play.file_number + 1
            inner join listening.source on source.source_name = staging_play.source
            inner join listening.dim_track on dim_track.track_uri = staging_play.track_uri
            where
                source.coverage = 'span'
                and dim_track.content_type in ('track', 'local')
            group by
                content.content_key,
                staging_play.source,
                date_trunc('day', staging_play.played_at)
        ) as export_day
    ) as paused
) as numbered
group by
    numbered.content_key,
    numbered.source,
    numbered.span_number
on conflict do nothing
