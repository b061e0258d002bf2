-- Tracks
with wanted as (
    select btrim(listening.folded(:search_text)) as search_text
),
word as materialized (
    select search_words.*
    from listening.search_words(:search_text) as search_words
),
longest as materialized (
    select word.*
    from word
    where word.is_looked_up
),
met as (
    select dim_track.track_key
    from longest
    inner join listening.dim_track
        on
            listening.folded(dim_track.track_name) like longest.pattern
            or longest.word <% listening.folded(dim_track.track_name)
    union
    select bridge_track_artist.track_key
    from longest
    inner join listening.dim_artist
        on
            listening.folded(dim_artist.artist_name) like longest.pattern
            or longest.word <% listening.folded(dim_artist.artist_name)
    inner join listening.bridge_track_artist on bridge_track_artist.artist_key = dim_artist.artist_key
    union
    select dim_track.track_key
    from listening.dim_track
    inner join listening.dim_album on dim_album.album_key = dim_track.album_key
    inner join longest
        on
            listening.folded(dim_album.album_name) like longest.pattern
            or longest.word <% listening.folded(dim_album.album_name)
    where dim_track.content_type in ('episode', 'chapter', 'local')
),
played as materialized (
    -- all ids of the recordings, whatever their names
    select
        counted_plays.recording_key,
        counted_plays.track_key,
        count(*) as play_count,
        coalesce(sum(counted_plays.listened_ms), 0)::bigint as listened_ms,
        max(counted_plays.played_at) as last_played_at
    from listening.counted_plays(:counts_as, :since, :until)
    where
        counted_plays.listener_key = :listener_key
        and counted_plays.recording_key in (
            select coalesce(dim_track.recording_key, dim_track.track_key)
            from met
            inner join listening.dim_track on dim_track.track_key = met.track_key
        )
    group by
        counted_plays.recording_key,
        counted_plays.track_key
),
named as materialized (
    select
        played.track_key,
        played.recording_key,
        played.play_count,
        listening.folded(coalesce(dim_track.track_name, '')) as folded_name,
        listening.folded(
            concat_ws(
                ' ',
                credit.artist_names,
                dim_track.track_name,
                coalesce(credit.artist_names, dim_album.album_name)
            )
        ) as whole,
        array[
            listening.folded(concat_ws(' ', credit.artist_names, dim_track.track_name)),
            listening.folded(concat_ws(' ', dim_track.track_name, credit.artist_names)),
            listening.folded(concat_ws(' by ', dim_track.track_name, credit.artist_names))
        ] as with_artists
    from met
    inner join played on played.track_key = met.track_key
    inner join listening.dim_track on dim_track.track_key = met.track_key
    inner join listening.dim_album on dim_album.album_key = dim_track.album_key
    left join lateral (
        select string_agg(dim_artist.artist_name, ' ' order by bridge_track_artist.position) as artist_names
        from listening.bridge_track_artist
        inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
        where bridge_track_artist.track_key = met.track_key
    ) as credit on true
    where played.track_key > 0
),
likely as materialized (
    select
        named.*,
        case
            when named.folded_name = wanted.search_text or wanted.search_text = any(named.with_artists) then 6
            when starts_with(named.folded_name, wanted.search_text) then 5
            when strpos(named.folded_name, wanted.search_text) > 0 then 4
            when strpos(named.whole, wanted.search_text) > 0 then 3
            when (select bool_and(strpos(named.whole, word.word) > 0) from word) then 2
            else word_similarity(wanted.search_text, named.whole)
        end as likeness
    from named
    cross join wanted
),
best as (
    -- tracks with all the words; similar ones only if there is none
    select distinct on (likely.recording_key)
        likely.recording_key,
        likely.track_key,
        likely.likeness
    from likely
    where
        likely.likeness >= case
            when exists (select 1 from likely as exact where exact.likeness >= 2) then 2
            else 0.4
        end
    order by
        likely.recording_key,
        round(likely.likeness::numeric, 1) desc,
        likely.play_count desc,
        likely.track_key
),
ranked as (
    select
        best.track_key,
        best.recording_key,
        best.likeness,
        sum(played.play_count)::bigint as play_count,
        sum(played.listened_ms)::bigint as listened_ms,
        max(played.last_played_at) as last_played_at
    from best
    inner join played on played.recording_key = best.recording_key
    group by
        best.track_key,
        best.recording_key,
        best.likeness
)
select
    dim_track.track_name,
    coalesce(
        (
            select track_credit.artist_names
            from listening.track_credit
            where track_credit.track_key = ranked.track_key
        ),
        case when dim_track.content_type in ('episode', 'chapter') then dim_album.album_name end
    ) as artist_names,
    ranked.play_count,
    ranked.listened_ms,
    ranked.last_played_at,
    listening.spotify_url(dim_track.track_uri) as track_url,
    dim_album.image_url,
    ranked.track_key,
    ranked.recording_key,
    (
        select track_credit.artists
        from listening.track_credit
        where track_credit.track_key = ranked.track_key
    ) as artists,
    ranked.likeness
from ranked
inner join listening.dim_track on dim_track.track_key = ranked.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
order by
    round(ranked.likeness::numeric, 1) desc,
    ranked.play_count desc,
    ranked.listened_ms desc,
    dim_track.track_name,
    ranked.track_key
limit :row_limit
