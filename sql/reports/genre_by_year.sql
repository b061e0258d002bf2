-- Year by year, and the place among all genres by plays
with heard as (
    select
        counted_plays.date_key / 10000 as year,
        counted_plays.track_key,
        count(*) as play_count
    from listening.counted_plays(:counts_as, :since, :until)
    where
        counted_plays.listener_key = :listener_key
        and counted_plays.content_type in ('track', 'local')
        and counted_plays.date_key / 10000 in (select report_play.date_key / 10000 from report_play)
    group by
        counted_plays.date_key / 10000,
        counted_plays.track_key
),
genre_of_track as (
    select distinct
        bridge_track_artist.track_key,
        genre.genre_name
    from listening.bridge_track_artist
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
    inner join listening.chosen_genre on chosen_genre.artist_key = standing_artist.standing_artist_key
    cross join lateral unnest(chosen_genre.genres) as genre (genre_name)
    where
        bridge_track_artist.role = 'main'
        and bridge_track_artist.track_key in (select heard.track_key from heard)
),
everything as materialized (
    select
        heard.year,
        genre_of_track.genre_name,
        sum(heard.play_count) as play_count
    from heard
    inner join genre_of_track on genre_of_track.track_key = heard.track_key
    group by
        heard.year,
        genre_of_track.genre_name
),
played as (
    select
        report_play.date_key / 10000 as year,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    group by report_play.date_key / 10000
)
select
    played.year,
    1 + (
        select count(*)
        from everything
        where
            everything.year = played.year
            and everything.play_count > played.play_count
    ) as year_rank,
    played.play_count,
    played.listened_ms
from played
order by played.year
