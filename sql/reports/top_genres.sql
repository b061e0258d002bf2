-- Genres
with played as (
    select
        report_play.track_key,
        count(*) as play_count,
        sum(report_play.listened_ms) as listened_ms
    from report_play
    where report_play.content_type in ('track', 'local')
    group by report_play.track_key
),
genre_of_track as (
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
        and bridge_track_artist.track_key in (select played.track_key from played)
)
select
    genre_of_track.genre_name,
    sum(played.play_count)::bigint as play_count,
    coalesce(sum(played.listened_ms), 0)::bigint as listened_ms,
    count(*) as track_count
from played
inner join genre_of_track on genre_of_track.track_key = played.track_key
group by genre_of_track.genre_name
order by
    case when :by = 'time' then coalesce(sum(played.listened_ms), 0) else sum(played.play_count) end desc,
    coalesce(sum(played.listened_ms), 0) desc,
    sum(played.play_count) desc,
    genre_of_track.genre_name
limit :row_limit
