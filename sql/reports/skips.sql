-- Skipped most
with heard as (
    select
        report_listen.track_key,
        report_listen.recording_key,
        count(report_listen.is_skipped) as listen_count, -- plays for which a source says whether they were skipped
        count(*) filter (where report_listen.is_skipped) as skip_count
    from report_listen
    where
        report_listen.is_music
        and report_listen.recording_key in (
            select skipped.recording_key
            from report_listen as skipped
            where skipped.is_skipped
        )
    group by
        report_listen.track_key,
        report_listen.recording_key
),
ranked as (
    select
        (array_agg(heard.track_key order by heard.listen_count desc, heard.track_key))[1] as track_key,
        sum(heard.listen_count)::bigint as listen_count,
        sum(heard.skip_count)::bigint as skip_count
    from heard
    group by heard.recording_key
),
most as (
    -- with ties, which the name puts in order
    select ranked.*
    from ranked
    where ranked.track_key > 0
    order by
        ranked.skip_count desc,
        ranked.listen_count
    fetch first (coalesce(cast(:row_limit as bigint), 9223372036854775807)) rows with ties
)
select
    dim_track.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = most.track_key
    ) as artist_names,
    most.skip_count,
    most.listen_count,
    (
        select
            count(*) filter (where report_listen.is_skipped)::double precision
            / nullif(count(report_listen.is_skipped), 0)
        from report_listen
        where report_listen.is_music
    ) as all_skip_share,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    most.track_key,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = most.track_key
    ) as artists
from most
inner join listening.dim_track on dim_track.track_key = most.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    most.skip_count desc,
    most.listen_count,
    dim_track.track_name,
    most.track_key
limit :row_limit
