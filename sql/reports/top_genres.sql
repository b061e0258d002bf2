-- Genres. Spellings that differ in case are one genre, named as most tracks have it.
with told as (
    select distinct
        report_credit.track_key,
        genre.genre_name,
        lower(genre.genre_name) as genre_word,
        chosen_genre.provider_name
    from report_credit
    inner join listening.chosen_genre on chosen_genre.artist_key = report_credit.artist_key
    cross join lateral unnest(chosen_genre.genres) as genre (genre_name)
    where report_credit.is_main
),
genre_of_track as (
    -- a track counts once for each genre, however many of its main artists have it, whoever told it
    select distinct
        told.track_key,
        told.genre_word
    from told
),
named as (
    select
        told.genre_word,
        mode() within group (order by told.genre_name) as genre_name,
        string_agg(distinct told.provider_name, ', ' order by told.provider_name) as provider_names
    from told
    group by told.genre_word
)
select
    min(named.genre_name) as genre_name,
    sum(report_track.play_count)::bigint as play_count,
    coalesce(sum(report_track.listened_ms), 0)::bigint as listened_ms,
    count(distinct report_track.recording_key) as track_count,
    min(named.provider_names) as provider_names,
    count(*) over () as total_count,
    max(
        case when :by = 'time' then coalesce(sum(report_track.listened_ms), 0) else sum(report_track.play_count) end
    ) over ()::bigint as most_value
from report_track
inner join genre_of_track on genre_of_track.track_key = report_track.track_key
inner join named on named.genre_word = genre_of_track.genre_word
where report_track.is_music
group by genre_of_track.genre_word
order by
    case when :by = 'time' then coalesce(sum(report_track.listened_ms), 0) else sum(report_track.play_count) end desc,
    coalesce(sum(report_track.listened_ms), 0) desc,
    sum(report_track.play_count) desc,
    genre_of_track.genre_word
limit :row_limit
offset :row_offset
