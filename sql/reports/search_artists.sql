-- Artists
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
met as materialized (
    select distinct standing_artist.standing_artist_key as artist_key
    from longest
    inner join listening.dim_artist
        on
            listening.folded(dim_artist.artist_name) like longest.pattern
            or longest.word <% listening.folded(dim_artist.artist_name)
    inner join listening.standing_artist on standing_artist.artist_key = dim_artist.artist_key
),
likely as materialized (
    select
        met.artist_key,
        dim_artist.artist_name,
        dim_artist.artist_id,
        dim_artist.image_url,
        case
            when named.folded_name = wanted.search_text then 6
            when starts_with(named.folded_name, wanted.search_text) then 5
            when strpos(named.folded_name, wanted.search_text) > 0 then 4
            when (select bool_and(strpos(named.folded_name, word.word) > 0) from word) then 2
            else greatest(
                similarity(wanted.search_text, named.folded_name),
                word_similarity(wanted.search_text, named.folded_name)
            )
        end as likeness
    from met
    inner join listening.dim_artist on dim_artist.artist_key = met.artist_key
    cross join lateral (select listening.folded(dim_artist.artist_name) as folded_name) as named
    cross join wanted
),
credit as materialized (
    select
        likely.artist_key,
        bridge_track_artist.track_key
    from likely
    inner join listening.standing_artist on standing_artist.standing_artist_key = likely.artist_key
    inner join listening.bridge_track_artist on bridge_track_artist.artist_key = standing_artist.artist_key
    where likely.likeness >= 0.4
),
played as (
    select
        counted_plays.track_key,
        count(*) as play_count,
        coalesce(sum(counted_plays.listened_ms), 0)::bigint as listened_ms,
        max(counted_plays.played_at) as last_played_at
    from listening.counted_plays(:counts_as, :since, :until)
    where
        counted_plays.listener_key = :listener_key
        and counted_plays.track_key in (select credit.track_key from credit)
    group by counted_plays.track_key
),
ranked as materialized (
    select
        credit.artist_key,
        sum(played.play_count)::bigint as play_count,
        sum(played.listened_ms)::bigint as listened_ms,
        max(played.last_played_at) as last_played_at
    from credit
    inner join played on played.track_key = credit.track_key
    group by credit.artist_key
)
select
    likely.artist_name,
    ranked.play_count,
    ranked.listened_ms,
    ranked.last_played_at,
    listening.spotify_url('spotify:artist:' || likely.artist_id) as artist_url,
    likely.image_url,
    likely.artist_key,
    likely.likeness
from ranked
inner join likely on likely.artist_key = ranked.artist_key
-- artists with all the words; similar ones only if there is none
where
    likely.likeness >= 2
    or not exists (
        select 1
        from ranked as exact_ranked
        inner join likely as exact on exact.artist_key = exact_ranked.artist_key
        where exact.likeness >= 2
    )
order by
    likely.likeness desc,
    ranked.play_count desc,
    ranked.listened_ms desc,
    likely.artist_name,
    likely.artist_key
limit :row_limit
