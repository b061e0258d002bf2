-- Played tracks known by name alone that are no recording with an id, the most played first. Without those that were
-- searched for lately: after each miss the pause is longer.
with heard as (
    select
        fact_play.track_key,
        count(*) as play_count
    from listening.fact_play
    group by fact_play.track_key
)
select
    dim_track.track_uri,
    dim_track.track_name,
    dim_artist.artist_name
from listening.dim_track
inner join heard on heard.track_key = dim_track.track_key
inner join listening.bridge_track_artist
    on
        bridge_track_artist.track_key = dim_track.track_key
        and bridge_track_artist.position = 1
inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
left join ops.catalogue_miss
    on
        catalogue_miss.kind = 'name'
        and catalogue_miss.spotify_id = dim_track.track_uri
where
    dim_track.track_uri like 'name:%'
    and dim_track.content_type = 'track'
    and dim_track.track_name is not null
    and dim_artist.artist_name is not null
    and not exists (
        select 1
        from listening.dim_track as identified
        where
            identified.recording_key = dim_track.recording_key
            and identified.track_id is not null
    )
    and case
        when catalogue_miss.miss_count is null then true
        when catalogue_miss.miss_count = 0 then catalogue_miss.missed_at < :failed_before
        else
            catalogue_miss.missed_at <= :now - interval '1 day' * (cast(:again_after_days as integer[]))[
                least(catalogue_miss.miss_count, cardinality(cast(:again_after_days as integer[])))
            ]
    end
order by
    heard.play_count desc,
    dim_track.track_uri
limit :work_limit
