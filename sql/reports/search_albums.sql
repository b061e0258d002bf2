-- Albums
with wanted as (
    select btrim(listening.folded(:search_text)) as search_text
),
word as materialized (
    select search_words.*
    from listening.search_words(:search_text) as search_words
),
met as materialized (
    select distinct
        dim_album.album_key,
        listening.folded(dim_album.album_name) as folded_name,
        listening.folded(concat_ws(' ', dim_album.album_artist_name, dim_album.album_name)) as whole
    from word
    inner join listening.dim_album on listening.folded(dim_album.album_name) like word.pattern
    where
        word.is_looked_up
        and dim_album.album_key > 0
),
likely as materialized (
    select
        met.album_key,
        case
            when met.folded_name = wanted.search_text then 6
            when starts_with(met.folded_name, wanted.search_text) then 5
            when strpos(met.folded_name, wanted.search_text) > 0 then 4
            else 2
        end as likeness
    from met
    cross join wanted
    where not exists (select 1 from word where strpos(met.whole, word.word) = 0)
),
ranked as (
    -- all editions as one
    select
        (array_agg(dim_album.album_key order by dim_album.album_id is null, dim_album.album_key))[1] as album_key,
        max(likely.likeness) as likeness,
        count(*) as play_count,
        coalesce(sum(counted_plays.listened_ms), 0)::bigint as listened_ms,
        max(counted_plays.played_at) as last_played_at
    from listening.counted_plays(:counts_as, :since, :until)
    inner join likely on likely.album_key = counted_plays.album_key
    inner join listening.dim_album on dim_album.album_key = counted_plays.album_key
    where counted_plays.listener_key = :listener_key
    group by
        dim_album.album_name,
        dim_album.album_artist_name
)
select
    dim_album.album_name,
    dim_album.album_artist_name as artist_names,
    ranked.play_count,
    ranked.listened_ms,
    ranked.last_played_at,
    listening.spotify_url(
        case when dim_album.album_type in ('show', 'audiobook') then 'spotify:show:' else 'spotify:album:' end
        || dim_album.album_id
    ) as album_url,
    dim_album.image_url,
    ranked.album_key
from ranked
inner join listening.dim_album on dim_album.album_key = ranked.album_key
order by
    ranked.likeness desc,
    ranked.play_count desc,
    ranked.listened_ms desc,
    dim_album.album_name,
    ranked.album_key
limit :row_limit
