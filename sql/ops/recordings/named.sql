-- The tracks whose title, with or without the artists, is like a text: of each recording the most similar one. The
-- column likeness: 6 for the same, 2 and more for all the words, below that how similar.
with wanted as (
    select btrim(listening.folded(:search_text)) as search_text
),
word as materialized (
    select
        search_words.word,
        search_words.pattern,
        search_words.is_looked_up
    from listening.search_words(:search_text) as search_words
),
met as (
    select dim_track.track_key
    from word
    inner join listening.dim_track
        on
            listening.folded(dim_track.track_name) like word.pattern
            or word.word <% listening.folded(dim_track.track_name)
    where word.is_looked_up
    union
    select bridge_track_artist.track_key
    from word
    inner join listening.dim_artist on listening.folded(dim_artist.artist_name) like word.pattern
    inner join listening.bridge_track_artist on bridge_track_artist.artist_key = dim_artist.artist_key
    where word.is_looked_up
),
titled as materialized (
    select
        dim_track.track_key,
        dim_track.track_uri,
        dim_track.track_name,
        coalesce(dim_track.recording_key, dim_track.track_key) as recording_key,
        credit.artist_names,
        listening.folded(dim_track.track_name) as folded_name,
        listening.folded(concat_ws(' ', credit.artist_names, dim_track.track_name)) as whole,
        listening.folded(concat_ws(' ', dim_track.track_name, credit.artist_names)) as reverse
    from met
    inner join listening.dim_track on dim_track.track_key = met.track_key
    left join lateral (
        select string_agg(dim_artist.artist_name, ' ' order by bridge_track_artist.position) as artist_names
        from listening.bridge_track_artist
        inner join listening.dim_artist on dim_artist.artist_key = bridge_track_artist.artist_key
        where bridge_track_artist.track_key = met.track_key
    ) as credit on true
    where
        met.track_key > 0
        and dim_track.track_name is not null
),
likely as materialized (
    select
        titled.*,
        case
            when wanted.search_text in (titled.folded_name, titled.whole, titled.reverse) then 6
            when (select bool_and(strpos(titled.whole, word.word) > 0) from word) then 2
            else greatest(
                similarity(wanted.search_text, titled.whole),
                similarity(wanted.search_text, titled.folded_name)
            )
        end as likeness
    from titled
    cross join wanted
),
heard as (
    select
        fact_play.track_key,
        count(*) as play_count
    from listening.fact_play
    where fact_play.track_key in (select likely.track_key from likely)
    group by fact_play.track_key
),
best as (
    select distinct on (likely.recording_key)
        likely.track_uri,
        likely.track_name,
        likely.artist_names,
        likely.likeness,
        coalesce(heard.play_count, 0) as play_count
    from likely
    left join heard on heard.track_key = likely.track_key
    where likely.likeness >= 0.3
    order by
        likely.recording_key,
        likely.likeness desc,
        coalesce(heard.play_count, 0) desc,
        likely.track_uri
)
select
    best.track_uri,
    best.track_name,
    best.artist_names,
    best.likeness,
    best.play_count
from best
order by
    best.likeness desc,
    best.play_count desc,
    best.track_uri
limit 10
