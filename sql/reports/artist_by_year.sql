-- Year by year, and the place among all by plays
with heard as (
    select
        report_play.date_key / 10000 as year,
        report_play.track_key,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0) as listened_ms
    from report_play
    group by
        report_play.date_key / 10000,
        report_play.track_key
),
artist as (
    select
        heard.year,
        standing_artist.standing_artist_key as artist_key,
        sum(heard.play_count)::bigint as play_count,
        coalesce(sum(heard.play_count) filter (where bridge_track_artist.role = 'main'), 0)::bigint as main_play_count,
        coalesce(sum(heard.play_count) filter (where bridge_track_artist.role = 'featured'), 0)::bigint as featured_play_count,
        sum(heard.listened_ms)::bigint as listened_ms,
        rank() over (
            partition by heard.year
            order by sum(heard.play_count) desc
        ) as year_rank
    from heard
    inner join listening.bridge_track_artist on bridge_track_artist.track_key = heard.track_key
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
    group by
        heard.year,
        standing_artist.standing_artist_key
)
select
    artist.year,
    artist.year_rank,
    artist.play_count,
    artist.main_play_count,
    artist.featured_play_count,
    artist.listened_ms
from artist
where artist.artist_key = :artist_key
order by artist.year
