-- Year by year, and the place among all albums by plays; of a show, among all shows
with heard as (
    select
        counted_plays.date_key / 10000 as year,
        counted_plays.album_key,
        counted_plays.content_type in ('track', 'local') as is_music,
        count(*) as play_count
    from listening.counted_plays(:counts_as, :since, :until)
    where
        counted_plays.listener_key = :listener_key
        and counted_plays.album_key > 0
        and counted_plays.date_key / 10000 in (select report_play.date_key / 10000 from report_play)
    group by
        counted_plays.date_key / 10000,
        counted_plays.album_key,
        counted_plays.content_type in ('track', 'local')
),
everything as materialized (
    -- in all editions; shows each on its own
    select
        heard.year,
        heard.is_music,
        sum(heard.play_count) as play_count
    from heard
    inner join listening.dim_album on dim_album.album_key = heard.album_key
    group by
        heard.year,
        heard.is_music,
        dim_album.album_name,
        dim_album.album_artist_name,
        case when not heard.is_music then heard.album_key end
),
album as (
    select
        report_play.date_key / 10000 as year,
        bool_or(report_play.is_music) as is_music,
        count(*) as play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    group by report_play.date_key / 10000
)
select
    album.year,
    1 + (
        select count(*)
        from everything
        where
            everything.year = album.year
            and everything.is_music = album.is_music
            and everything.play_count > album.play_count
    ) as year_rank,
    album.play_count,
    album.listened_ms
from album
order by album.year
