-- Tracks of the batch, merged as in dim_artist.sql. Their albums are merged already.

create temporary table album_by_name on commit drop as
select
    dim_album.album_key,
    dim_album.album_name,
    dim_album.album_artist_name
from listening.dim_album
where
    dim_album.album_id is null
    and dim_album.album_name in (select staging_track.album_name from staging_track);

analyze album_by_name;

create temporary table staged_track on commit drop as
select distinct on (staging_track.track_uri)
    staging_track.track_id,
    staging_track.track_uri,
    staging_track.track_name,
    staging_track.content_type,
    staging_track.duration_ms,
    staging_track.isrc,
    staging_track.is_explicit,
    staging_track.disc_number,
    staging_track.track_number,
    staging_track.popularity,
    coalesce(album_with_id.album_key, album_by_name.album_key, 0) as album_key,
    staging_track.fetched_at,
    staging_track.album_artist_name,
    named.named_at,
    case when staging_track.track_uri like 'name:%' then played.longest_ms end as longest_ms,
    known.track_key is null
    or (known.fetched_at is null and coalesce(named.named_at >= known.named_at, known.named_at is null))
        as is_latest_name
from staging_track
left join (
    -- a track whose plays all have one name: the latest of them
    select
        staging_play.track_uri,
        max(staging_play.played_at) as named_at,
        max(staging_play.ms_played) as longest_ms
    from staging_play
    where staging_play.ms_played is not null
    group by staging_play.track_uri
) as played on played.track_uri = staging_track.track_uri
cross join lateral (
    select
        case
            when staging_track.fetched_at is null then coalesce(staging_track.named_at, played.named_at)
        end as named_at,
        staging_track.named_at is not null as is_dated
) as named
left join listening.dim_track as known on known.track_uri = staging_track.track_uri
left join listening.dim_album as album_with_id on album_with_id.album_id = staging_track.album_id
left join album_by_name
    on
        staging_track.album_id is null
        and album_by_name.album_name = staging_track.album_name
        and album_by_name.album_artist_name is not distinct from staging_track.album_artist_name
order by
    staging_track.track_uri,
    staging_track.fetched_at is null,
    staging_track.track_name is null,
    named.is_dated desc,
    named.named_at desc nulls last,
    staging_track.track_name,
    staging_track.album_artist_name,
    staging_track.album_name;

insert into changed_track (track_key)
select dim_track.track_key
from staged_track
inner join listening.dim_track on dim_track.track_uri = staged_track.track_uri
where
    staged_track.isrc <> dim_track.isrc
    or staged_track.duration_ms <> dim_track.duration_ms
    or staged_track.longest_ms > coalesce(dim_track.longest_ms, 0)
    or (dim_track.isrc is null and staged_track.isrc is not null)
    or (dim_track.duration_ms is null and staged_track.duration_ms is not null);

insert into tracks_to_rematch (track_key)
select changed_track.track_key
from changed_track;

update listening.dim_track
set
    track_name = merged.track_name,
    content_type = merged.content_type,
    duration_ms = merged.duration_ms,
    isrc = merged.isrc,
    is_explicit = merged.is_explicit,
    disc_number = merged.disc_number,
    track_number = merged.track_number,
    popularity = merged.popularity,
    album_key = merged.album_key,
    fetched_at = merged.fetched_at,
    named_at = merged.named_at,
    longest_ms = merged.longest_ms
from (
    select
        dim_track.track_key,
        case
            when staged_track.fetched_at is null and not staged_track.is_latest_name
                then coalesce(dim_track.track_name, staged_track.track_name)
            else coalesce(staged_track.track_name, dim_track.track_name)
        end as track_name,
        case
            when staged_track.fetched_at is null then coalesce(dim_track.content_type, staged_track.content_type)
            else coalesce(staged_track.content_type, dim_track.content_type)
        end as content_type,
        coalesce(staged_track.duration_ms, dim_track.duration_ms) as duration_ms,
        coalesce(staged_track.isrc, dim_track.isrc) as isrc,
        coalesce(staged_track.is_explicit, dim_track.is_explicit) as is_explicit,
        coalesce(staged_track.disc_number, dim_track.disc_number) as disc_number,
        coalesce(staged_track.track_number, dim_track.track_number) as track_number,
        coalesce(staged_track.popularity, dim_track.popularity) as popularity,
        case
            when staged_track.fetched_at is null and not staged_track.is_latest_name and dim_track.album_key <> 0
                then dim_track.album_key
            else coalesce(nullif(staged_track.album_key, 0), dim_track.album_key)
        end as album_key,
        coalesce(staged_track.fetched_at, dim_track.fetched_at) as fetched_at,
        case
            when staged_track.fetched_at is null then greatest(dim_track.named_at, staged_track.named_at)
        end as named_at,
        greatest(dim_track.longest_ms, staged_track.longest_ms) as longest_ms
    from staged_track
    inner join listening.dim_track on dim_track.track_uri = staged_track.track_uri
    where coalesce(staged_track.fetched_at >= dim_track.fetched_at, dim_track.fetched_at is null)
) as merged
where
    dim_track.track_key = merged.track_key
    and (
        (dim_track.fetched_at is null and merged.fetched_at is not null)
        or merged.fetched_at > dim_track.fetched_at + interval '1 day'
        or (
            dim_track.track_name, dim_track.content_type, dim_track.duration_ms, dim_track.isrc, dim_track.is_explicit,
            dim_track.disc_number, dim_track.track_number, dim_track.popularity, dim_track.album_key,
            dim_track.named_at, dim_track.longest_ms
        ) is distinct from (
            merged.track_name, merged.content_type, merged.duration_ms, merged.isrc, merged.is_explicit,
            merged.disc_number, merged.track_number, merged.popularity, merged.album_key,
            merged.named_at, merged.longest_ms
        )
    );

with inserted as (
    insert into listening.dim_track (
        track_id,
        track_uri,
        track_name,
        content_type,
        duration_ms,
        isrc,
        is_explicit,
        disc_number,
        track_number,
        popularity,
        album_key,
        fetched_at,
        named_at,
        longest_ms
    )
    select
        staged_track.track_id,
        staged_track.track_uri,
        staged_track.track_name,
        staged_track.content_type,
        staged_track.duration_ms,
        staged_track.isrc,
        staged_track.is_explicit,
        staged_track.disc_number,
        staged_track.track_number,
        staged_track.popularity,
        staged_track.album_key,
        staged_track.fetched_at,
        staged_track.named_at,
        staged_track.longest_ms
    from staged_track
    where
        not exists (
            select 1
            from listening.dim_track
            where dim_track.track_uri = staged_track.track_uri
        )
    order by staged_track.track_uri
    on conflict do nothing
    returning track_key
)
insert into changed_track (track_key)
select inserted.track_key
from inserted;
