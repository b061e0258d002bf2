-- Names that the batch gives its tracks. Recorded tracks that gained a name, an ISRC or a length go into
-- tracks_to_rematch, because plays may have been matched by name before.
--
-- content_keys: of an import, the content of each file. A name is then noted as given by the files that have plays of
-- the track, so that it goes when the last of them is taken back. What anything else gives stays.

create temporary table alias_content on commit drop as
select
    played.track_uri,
    array_agg(distinct content.content_key order by content.content_key) as content_keys
from (
    select distinct
        staging_play.track_uri,
        staging_play.file_number
    from staging_play
    where cardinality(cast(:content_keys as integer[])) > 0
) as played
inner join unnest(cast(:content_keys as integer[])) with ordinality as content (content_key, file_count)
    on content.file_count = played.file_number + 1
where played.track_uri is not null
group by played.track_uri;

create temporary table batch_alias on commit drop as
select
    named.track_key,
    named.name_hash,
    case
        when cardinality(cast(:content_keys as integer[])) > 0
            then coalesce(alias_content.content_keys, cast(:content_keys as integer[]))
    end as content_keys,
    track_alias.track_key is not null as is_known,
    track_alias.content_keys as known_keys
from (
    select distinct
        dim_track.track_key,
        dim_track.track_uri,
        -- a line break separates artist and title, so one within a name becomes a space
        md5(
            replace(ops.folded(told.artist_name), chr(10), ' ')
            || chr(10)
            || replace(ops.folded(told.track_name), chr(10), ' ')
        )::uuid as name_hash
    from (
        select
            staging_track.track_uri,
            staging_track.track_name,
            staging_track_artist.artist_name
        from staging_track
        inner join staging_track_artist on staging_track_artist.track_uri = staging_track.track_uri
        union
        select
            staging_track.track_uri,
            staging_track.track_name,
            case
                when staging_track.content_type in ('episode', 'chapter') then staging_track.album_name
                else staging_track.album_artist_name
            end
        from staging_track
    ) as told
    inner join listening.dim_track on dim_track.track_uri = told.track_uri
    where told.track_name is not null and told.artist_name is not null
) as named
left join alias_content on alias_content.track_uri = named.track_uri
left join listening.track_alias
    on
        track_alias.track_key = named.track_key
        and track_alias.name_hash = named.name_hash;

insert into listening.track_alias (
    track_key,
    name_hash,
    content_keys
)
select
    batch_alias.track_key,
    batch_alias.name_hash,
    batch_alias.content_keys
from batch_alias
where
    not batch_alias.is_known
    or (batch_alias.known_keys is not null and batch_alias.content_keys is null)
    or not batch_alias.content_keys <@ batch_alias.known_keys
order by
    batch_alias.track_key,
    batch_alias.name_hash
on conflict (track_key, name_hash) do update
set
    content_keys = case
        when excluded.content_keys is not null
            then array(
                select distinct every.key
                from unnest(track_alias.content_keys || excluded.content_keys) as every (key)
                order by every.key
            )
    end
where track_alias.content_keys is not null;

with changed as (
    insert into changed_track (track_key)
    select distinct batch_alias.track_key
    from batch_alias
    where not batch_alias.is_known
    on conflict do nothing
)
insert into tracks_to_rematch (track_key)
select distinct batch_alias.track_key
from batch_alias
where
    not batch_alias.is_known
    and batch_alias.track_key <= (select newest_track.track_key from newest_track)
on conflict do nothing;
