-- The places of genres in the ranking of top_genres, whatever the case of their letters; equals share one.
with genre_of_track as (
    select distinct
        report_credit.track_key,
        lower(genre.genre_name) as genre_word
    from report_credit
    inner join listening.chosen_genre on chosen_genre.artist_key = report_credit.artist_key
    cross join lateral unnest(chosen_genre.genres) as genre (genre_name)
    where report_credit.is_main
),
ranked as (
    select
        genre_of_track.genre_word,
        sum(report_track.play_count) as play_count,
        coalesce(sum(report_track.listened_ms), 0) as listened_ms
    from report_track
    inner join genre_of_track on genre_of_track.track_key = report_track.track_key
    where report_track.is_music
    group by genre_of_track.genre_word
),
placed as (
    select
        ranked.genre_word,
        rank() over (
            order by
                case when :by = 'time' then ranked.listened_ms else ranked.play_count end desc,
                ranked.listened_ms desc,
                ranked.play_count desc
        ) as place
    from ranked
)
select
    asked.genre_name as key,
    placed.place
from unnest(cast(:keys as text[])) as asked (genre_name)
inner join placed on placed.genre_word = lower(asked.genre_name)
