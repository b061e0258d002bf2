-- Recordings that a listener played and a person may mean: by a Spotify id of one of its tracks, or by title
-- (Title, Title by Artists). The exact one first, then the most played.
select
    min(dim_track.track_key) as found_key,
    (array_agg(dim_track.track_name order by dim_track.track_key))[1] as found_name,
    (array_agg(track_credit.artist_names order by dim_track.track_key))[1] as by_whom,
    (array_agg(dim_track.track_uri order by dim_track.track_key))[1] as found_id,
    coalesce(bool_or(split_part(dim_track.track_uri, ':', 3) = :wanted_id), false)
    or coalesce(
        bool_or(
            listening.folded(:wanted) in (
                listening.folded(dim_track.track_name),
                listening.folded(dim_track.track_name || ' by ' || track_credit.artist_names)
            )
        ),
        false
    ) as is_exact
from (
    select
        fact_play.track_key,
        count(*) as play_count
    from listening.fact_play
    where
        fact_play.listener_key = :listener_key
        and fact_play.track_key > 0
    group by fact_play.track_key
) as played
inner join listening.dim_track on dim_track.track_key = played.track_key
left join listening.track_credit on track_credit.track_key = dim_track.track_key
where
    split_part(dim_track.track_uri, ':', 3) = :wanted_id
    or strpos(
        listening.folded(concat_ws(' by ', dim_track.track_name, track_credit.artist_names)), listening.folded(:wanted)
    ) > 0
group by coalesce(dim_track.recording_key, dim_track.track_key)
order by
    is_exact desc,
    sum(played.play_count) desc,
    found_key
limit :row_limit
