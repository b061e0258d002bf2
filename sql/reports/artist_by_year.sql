-- Year by year, and the place among all by plays
with heard as (
    select
        counted_plays.date_key / 10000 as year,
        counted_plays.track_key,
        count(*) as play_count
    from listening.counted_plays(:counts_as, :since, :until)
    where
        counted_plays.listener_key = :listener_key
        and counted_plays.date_key / 10000 in (select report_play.date_key / 10000 from report_play)
    group by
        counted_plays.date_key / 10000,
        counted_plays.track_key
),
standing_credit as (
    -- a play counts once for an artist credited twice
    select distinct
        bridge_track_artist.track_key,
        standing_artist.standing_artist_key as artist_key
    from listening.bridge_track_artist
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
    where bridge_track_artist.track_key in (select heard.track_key from heard)
),
everybody as materialized (
    select
        heard.year,
        standing_credit.artist_key,
        sum(heard.play_count) as play_count
    from heard
    inner join standing_credit on standing_credit.track_key = heard.track_key
    group by
        heard.year,
        standing_credit.artist_key
),
artist as (
    select
        report_play.date_key / 10000 as year,
        count(*) as play_count,
        count(*) filter (where report_credit.is_main) as main_play_count,
        count(*) filter (where not report_credit.is_main) as featured_play_count,
        coalesce(sum(report_play.listened_ms), 0)::bigint as listened_ms
    from report_play
    inner join report_credit
        on
            report_credit.track_key = report_play.track_key
            and report_credit.artist_key = :artist_key
    group by report_play.date_key / 10000
)
select
    artist.year,
    1 + (
        select count(*)
        from everybody
        where
            everybody.year = artist.year
            and everybody.artist_key <> :artist_key
            and everybody.play_count > artist.play_count
    ) as year_rank,
    artist.play_count,
    artist.main_play_count,
    artist.featured_play_count,
    artist.listened_ms
from artist
order by artist.year
