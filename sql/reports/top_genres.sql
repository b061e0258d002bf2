-- Genres
with genre_of_track as (
    -- a track counts once for each genre, however many of its main artists have it
    select distinct
        bridge_track_artist.track_key,
        genre.genre_name
    from listening.bridge_track_artist
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
    inner join listening.dim_artist on dim_artist.artist_key = standing_artist.standing_artist_key
    cross join lateral unnest(dim_artist.genres) as genre (genre_name)
    where
        bridge_track_artist.role = 'main'
        and bridge_track_artist.track_key in (select report_track.track_key from report_track)
)
select
    genre_of_track.genre_name,
    sum(report_track.play_count)::bigint as play_count,
    coalesce(sum(report_track.listened_ms), 0)::bigint as listened_ms,
    count(distinct report_track.recording_key) as track_count
from report_track
inner join genre_of_track on genre_of_track.track_key = report_track.track_key
where report_track.content_type in ('track', 'local')
group by genre_of_track.genre_name
order by
    case when :by = 'time' then coalesce(sum(report_track.listened_ms), 0) else sum(report_track.play_count) end desc,
    coalesce(sum(report_track.listened_ms), 0) desc,
    sum(report_track.play_count) desc,
    genre_of_track.genre_name
limit :row_limit
