-- Pairs of played recordings that look alike and about which nothing was decided, the most played first: an artist in
-- common, and the same title but for an ending that names a version, or a similar title. Pairs are looked for among
-- what has the same title, the same first letters or the same length, so their number grows with that of the tracks.
with heard as materialized (
    select
        counted_plays.recording_key,
        counted_plays.track_key,
        count(*) as play_count,
        coalesce(sum(counted_plays.listened_ms), 0) as listened_ms
    from listening.counted_plays('30s', '-infinity', 'infinity')
    where
        counted_plays.track_key > 0
        and counted_plays.content_type in ('track', 'local')
    group by
        counted_plays.recording_key,
        counted_plays.track_key
),
recording as (
    select
        heard.recording_key,
        (array_agg(heard.track_key order by heard.play_count desc, heard.track_key))[1] as track_key,
        sum(heard.play_count)::bigint as play_count,
        sum(heard.listened_ms)::bigint as listened_ms
    from heard
    group by heard.recording_key
),
titled as materialized (
    select
        recording.recording_key,
        recording.track_key,
        recording.play_count,
        recording.listened_ms,
        dim_track.track_uri,
        dim_track.track_name,
        dim_track.duration_ms,
        listening.folded(dim_track.track_name) as folded_name,
        based.base_title,
        -- pieces that are numbered are different ones
        regexp_replace(based.base_title, '\D+', ' ', 'g')
        || regexp_replace(based.base_title, '\y([ivx]+)\y|.', '\1', 'g') as numbers
    from recording
    inner join listening.dim_track on dim_track.track_key = recording.track_key
    cross join lateral (select listening.base_title(dim_track.track_name) as base_title) as based
    where dim_track.track_name is not null
),
credited as materialized (
    select distinct
        titled.recording_key,
        titled.base_title,
        titled.numbers,
        titled.duration_ms,
        standing_artist.standing_artist_key as artist_key
    from titled
    inner join listening.bridge_track_artist
        on
            bridge_track_artist.track_key = titled.track_key
            and bridge_track_artist.role = 'main'
    inner join listening.standing_artist on standing_artist.artist_key = bridge_track_artist.artist_key
),
reaching as materialized (
    -- each in its own two seconds of length and in those beside
    select
        credited.recording_key,
        credited.base_title,
        credited.numbers,
        credited.duration_ms,
        credited.artist_key,
        credited.duration_ms / 2000 + steps.step as bucket
    from credited
    cross join generate_series(-1, 1) as steps (step)
),
bucketed as materialized (
    select
        reaching.recording_key,
        reaching.base_title,
        reaching.numbers,
        reaching.duration_ms,
        reaching.artist_key,
        reaching.bucket
    from reaching
    where reaching.bucket = reaching.duration_ms / 2000
),
pair as (
    select
        credited.recording_key,
        other.recording_key as other_key
    from credited
    inner join credited as other
        on
            other.artist_key = credited.artist_key
            and other.base_title = credited.base_title
            and other.recording_key > credited.recording_key
    union
    select
        credited.recording_key,
        other.recording_key
    from credited
    inner join credited as other
        on
            other.artist_key = credited.artist_key
            and left(other.base_title, 3) = left(credited.base_title, 3)
            and other.numbers = credited.numbers
            and other.recording_key > credited.recording_key
    where similarity(credited.base_title, other.base_title) >= 0.6
    union
    select
        bucketed.recording_key,
        reaching.recording_key
    from bucketed
    inner join reaching
        on
            reaching.artist_key = bucketed.artist_key
            and reaching.bucket = bucketed.bucket
            and reaching.numbers = bucketed.numbers
            and reaching.recording_key > bucketed.recording_key
    where
        abs(reaching.duration_ms - bucketed.duration_ms) <= 2000
        and similarity(bucketed.base_title, reaching.base_title) >= 0.4
),
decided as materialized (
    select
        coalesce(one.recording_key, one.track_key) as recording_key,
        coalesce(other.recording_key, other.track_key) as other_key
    from listening.recording_decision
    inner join listening.dim_track as one on one.track_uri = recording_decision.track_uri
    inner join listening.dim_track as other on other.track_uri = recording_decision.other_track_uri
),
open as materialized (
    select
        pair.recording_key,
        pair.other_key
    from pair
    where
        not exists (
            select 1
            from decided
            where
                least(decided.recording_key, decided.other_key) = pair.recording_key
                and greatest(decided.recording_key, decided.other_key) = pair.other_key
        )
),
shown as (
    select
        open.recording_key,
        open.other_key,
        count(*) over () as pair_count,
        case
            when one.folded_name = other.folded_name then 'same title'
            when one.base_title = other.base_title then 'same title but for its ending'
            else 'similar title'
        end as likeness,
        abs(one.duration_ms - other.duration_ms) as distance_ms,
        one.track_key,
        one.track_uri,
        one.track_name,
        one.duration_ms,
        one.play_count,
        one.listened_ms,
        other.track_key as other_track_key,
        other.track_uri as other_track_uri,
        other.track_name as other_track_name,
        other.duration_ms as other_duration_ms,
        other.play_count as other_play_count,
        other.listened_ms as other_listened_ms
    from open
    inner join titled as one on one.recording_key = open.recording_key
    inner join titled as other on other.recording_key = open.other_key
    order by
        one.play_count + other.play_count desc,
        open.recording_key,
        open.other_key
    limit :row_limit
)
select
    shown.pair_count,
    shown.likeness,
    shown.distance_ms,
    shown.track_uri,
    shown.track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = shown.track_key
    ) as artist_names,
    shown.duration_ms,
    shown.play_count,
    shown.listened_ms,
    shown.other_track_uri,
    shown.other_track_name,
    (
        select track_credit.artist_names
        from listening.track_credit
        where track_credit.track_key = shown.other_track_key
    ) as other_artist_names,
    shown.other_duration_ms,
    shown.other_play_count,
    shown.other_listened_ms
from shown
order by
    shown.play_count + shown.other_play_count desc,
    shown.recording_key,
    shown.other_key
