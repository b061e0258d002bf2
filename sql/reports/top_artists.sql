-- Artists
with ranked as (
    select
        report_credit.artist_key,
        sum(report_track.play_count)::bigint as play_count,
        coalesce(
            sum(report_track.play_count) filter (where not report_credit.is_main),
            0
        )::bigint as featured_play_count,
        coalesce(sum(report_track.listened_ms), 0)::bigint as listened_ms,
        count(distinct report_track.recording_key) as track_count,
        min(report_track.first_played_at) as first_played_at,
        max(report_track.last_played_at) as last_played_at
    from report_track
    inner join report_credit on report_credit.track_key = report_track.track_key
    group by report_credit.artist_key
)
select
    dim_artist.artist_name,
    ranked.play_count,
    ranked.featured_play_count,
    ranked.listened_ms,
    ranked.track_count,
    ranked.first_played_at,
    ranked.last_played_at,
    coalesce(chosen_genre.genres, dim_artist.genres) as genres,
    listening.spotify_url('spotify:artist:' || dim_artist.artist_id) as artist_url,
    dim_artist.image_url,
    ranked.artist_key,
    count(*) over () as total_count,
    max(case when :by = 'time' then ranked.listened_ms else ranked.play_count end) over () as most_value
from ranked
inner join listening.dim_artist on dim_artist.artist_key = ranked.artist_key
left join listening.chosen_genre on chosen_genre.artist_key = ranked.artist_key
order by
    case when :by = 'time' then ranked.listened_ms else ranked.play_count end desc,
    ranked.listened_ms desc,
    ranked.play_count desc,
    dim_artist.artist_name,
    ranked.artist_key
limit :row_limit
offset :row_offset
