-- Artists
with played as (
    select
        standing_artist.standing_artist_key as artist_key,
        sum(report_track.play_count)::bigint as play_count,
        sum(report_track.listened_ms)::bigint as listened_ms,
        max(report_track.last_played_at) as last_played_at
    from report_track
    inner join listening.bridge_track_artist on bridge_track_artist.track_key = report_track.track_key
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
    group by standing_artist.standing_artist_key
),
told as (
    select ops.folded(:told) as told
),
named as (
    select
        played.*,
        dim_artist.artist_name,
        dim_artist.artist_id,
        dim_artist.image_url,
        ops.folded(dim_artist.artist_name) as folded_name
    from played
    inner join listening.dim_artist on dim_artist.artist_key = played.artist_key
),
likely as (
    select
        named.*,
        case
            when named.folded_name = told.told then 3
            when starts_with(named.folded_name, told.told) then 2.5
            when strpos(named.folded_name, told.told) > 0 then 2
            else greatest(similarity(told.told, named.folded_name), word_similarity(told.told, named.folded_name))
        end as likeness
    from named
    cross join told
)
select
    likely.artist_name,
    likely.play_count,
    likely.listened_ms,
    likely.last_played_at,
    listening.spotify_url('spotify:artist:' || likely.artist_id) as artist_url,
    likely.image_url,
    likely.artist_key
from likely
where likely.likeness >= 0.4
order by
    likely.likeness desc,
    likely.play_count desc,
    likely.listened_ms desc,
    likely.artist_name,
    likely.artist_key
limit :row_limit
