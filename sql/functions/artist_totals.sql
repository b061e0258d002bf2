-- Grain: a listener and an artist, main or featured.

create or replace function listening.artist_totals(counts_as text)
returns table (
    listener_key integer,
    artist_key integer,
    artist_name text,
    play_count bigint,
    main_play_count bigint,
    featured_play_count bigint,
    listened_ms bigint,
    main_listened_ms bigint,
    featured_listened_ms bigint,
    track_count bigint,
    first_played_at timestamptz,
    last_played_at timestamptz
)
language sql stable parallel safe
as $$
select
    played.listener_key,
    dim_artist.artist_key,
    dim_artist.artist_name,
    sum(played.play_count)::bigint,
    coalesce(sum(played.play_count) filter (where bridge_track_artist.role = 'main'), 0)::bigint,
    coalesce(sum(played.play_count) filter (where bridge_track_artist.role = 'featured'), 0)::bigint,
    coalesce(sum(played.listened_ms), 0)::bigint,
    coalesce(sum(played.listened_ms) filter (where bridge_track_artist.role = 'main'), 0)::bigint,
    coalesce(sum(played.listened_ms) filter (where bridge_track_artist.role = 'featured'), 0)::bigint,
    count(distinct played.recording_key),
    min(played.first_played_at),
    max(played.last_played_at)
from (
    select
        counted_plays.listener_key,
        counted_plays.track_key,
        counted_plays.recording_key,
        count(*) as play_count,
        sum(counted_plays.listened_ms) as listened_ms,
        min(counted_plays.played_at) as first_played_at,
        max(counted_plays.played_at) as last_played_at
    from listening.counted_plays(counts_as, '-infinity', 'infinity')
    group by
        counted_plays.listener_key,
        counted_plays.track_key,
        counted_plays.recording_key
) as played
inner join listening.bridge_track_artist on bridge_track_artist.track_key = played.track_key
inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
inner join listening.dim_artist on dim_artist.artist_key = standing_artist.standing_artist_key
group by
    played.listener_key,
    dim_artist.artist_key
$$;

comment on function listening.artist_totals is
    'Totals by listener and artist, as main and as featured artist, of what counts as a play (counts_as is 30s, half, '
    'full or all). Filter it by listener_key.';
