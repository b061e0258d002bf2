-- Whether merging a page of recently_played would change nothing. One row: is_recorded, the newest recorded play of the
-- source, and the start of the page. Plays follow from observations and catalogue, so nothing changes if the page adds
-- to neither. In doubt is_recorded is false, and the merge decides. page: the staging tables as JSON.

with document as materialized (
    select cast(:page as jsonb) as tables
),
staged_play as materialized (
    select
        play.track_uri,
        play.played_at,
        play.context_uri
    from document
    cross join lateral jsonb_to_recordset(document.tables -> 'staging_play')
        as play (track_uri text, played_at timestamptz, context_uri text)
),
staged_track as materialized (
    select track.*
    from document
    cross join lateral jsonb_to_recordset(document.tables -> 'staging_track') as track (
        track_id text,
        track_uri text,
        track_name text,
        content_type text,
        duration_ms integer,
        isrc text,
        is_explicit boolean,
        disc_number smallint,
        track_number integer,
        popularity smallint,
        album_id text,
        album_name text,
        album_artist_name text,
        fetched_at timestamptz
    )
),
staged_album as materialized (
    select album.*
    from document
    cross join lateral jsonb_to_recordset(document.tables -> 'staging_album') as album (
        album_id text,
        album_name text,
        album_artist_name text,
        album_type text,
        release_date date,
        release_date_precision text,
        track_count integer,
        label text,
        popularity smallint,
        image_url text,
        fetched_at timestamptz
    )
),
staged_artist as materialized (
    select artist.*
    from document
    cross join lateral jsonb_to_recordset(document.tables -> 'staging_artist') as artist (
        artist_id text,
        artist_name text,
        fetched_at timestamptz
    )
),
staged_track_artist as materialized (
    select track_artist.*
    from document
    cross join lateral jsonb_to_recordset(document.tables -> 'staging_track_artist') as track_artist (
        track_uri text,
        artist_id text,
        artist_name text,
        position smallint,
        role text,
        weight double precision
    )
),
-- Each track of the page with its recorded row, and whether the merge would leave that row as it is.
merged_track as materialized (
    select
        staged_track.*,
        dim_track.track_key,
        coalesce(
            dim_track.fetched_at is not null
            and staged_track.fetched_at is not null
            and staged_track.fetched_at <= dim_track.fetched_at + interval '1 day'
            and (
                coalesce(staged_track.track_name, dim_track.track_name),
                coalesce(staged_track.content_type, dim_track.content_type),
                coalesce(staged_track.duration_ms, dim_track.duration_ms),
                coalesce(staged_track.isrc, dim_track.isrc),
                coalesce(staged_track.is_explicit, dim_track.is_explicit),
                coalesce(staged_track.disc_number, dim_track.disc_number),
                coalesce(staged_track.track_number, dim_track.track_number),
                coalesce(staged_track.popularity, dim_track.popularity),
                coalesce(album_with_id.album_key, album_by_name.album_key, dim_track.album_key)
            ) is not distinct from (
                dim_track.track_name,
                dim_track.content_type,
                dim_track.duration_ms,
                dim_track.isrc,
                dim_track.is_explicit,
                dim_track.disc_number,
                dim_track.track_number,
                dim_track.popularity,
                dim_track.album_key
            ),
            false
        ) as is_same
    from staged_track
    left join listening.dim_track on dim_track.track_uri = staged_track.track_uri
    left join listening.dim_album as album_with_id on album_with_id.album_id = staged_track.album_id
    left join listening.dim_album as album_by_name
        on
            staged_track.album_id is null
            and album_by_name.album_id is null
            and album_by_name.album_name = staged_track.album_name
            and album_by_name.album_artist_name is not distinct from staged_track.album_artist_name
),
credited as materialized (
    select
        merged_track.track_key,
        bridge_track_artist.artist_key
    from staged_track_artist
    inner join merged_track on merged_track.track_uri = staged_track_artist.track_uri
    left join listening.dim_artist on dim_artist.artist_id = staged_track_artist.artist_id
    left join listening.dim_artist as by_name
        on
            staged_track_artist.artist_id is null
            and by_name.artist_id is null
            and by_name.artist_name = staged_track_artist.artist_name
    left join listening.bridge_track_artist
        on
            bridge_track_artist.track_key = merged_track.track_key
            and bridge_track_artist.artist_key = coalesce(dim_artist.artist_key, by_name.artist_key)
            and bridge_track_artist.position = staged_track_artist.position
            and bridge_track_artist.role = staged_track_artist.role
            and bridge_track_artist.weight = staged_track_artist.weight
),
alias_of_page as (
    select
        merged_track.track_key,
        merged_track.track_name,
        staged_track_artist.artist_name
    from merged_track
    inner join staged_track_artist on staged_track_artist.track_uri = merged_track.track_uri
    union
    select
        merged_track.track_key,
        merged_track.track_name,
        case
            when merged_track.content_type in ('episode', 'chapter') then merged_track.album_name
            else merged_track.album_artist_name
        end
    from merged_track
)
select
    coalesce(
        (
            -- the login is valid and belongs to this listener
            exists (
                select 1
                from ops.login
                inner join listening.dim_listener on dim_listener.listener_key = login.listener_key
                where
                    login.login_key = :login_key
                    and coalesce(dim_listener.merged_into, dim_listener.listener_key) = :listener_key
                    and login.refused_at is null
            )
            -- every track, album and artist is recorded with the page's attributes
            and not exists (select 1 from merged_track where not merged_track.is_same)
            and not exists (
                select 1
                from staged_album
                left join listening.dim_album on dim_album.album_id = staged_album.album_id
                left join listening.dim_album as by_name
                    on
                        staged_album.album_id is null
                        and by_name.album_id is null
                        and by_name.album_name = staged_album.album_name
                        and by_name.album_artist_name is not distinct from staged_album.album_artist_name
                where
                    coalesce(dim_album.album_key, by_name.album_key) is null
                    or (
                        staged_album.album_id is not null
                        and (
                            (dim_album.fetched_at is null and staged_album.fetched_at is not null)
                            or staged_album.fetched_at > dim_album.fetched_at + interval '1 day'
                            or (
                                coalesce(staged_album.album_name, dim_album.album_name),
                                coalesce(staged_album.album_artist_name, dim_album.album_artist_name),
                                coalesce(staged_album.album_type, dim_album.album_type),
                                coalesce(staged_album.release_date, dim_album.release_date),
                                case
                                    when staged_album.release_date is null then dim_album.release_date_precision
                                    else staged_album.release_date_precision
                                end,
                                coalesce(staged_album.track_count, dim_album.track_count),
                                coalesce(staged_album.label, dim_album.label),
                                coalesce(staged_album.popularity, dim_album.popularity),
                                coalesce(staged_album.image_url, dim_album.image_url)
                            ) is distinct from (
                                dim_album.album_name,
                                dim_album.album_artist_name,
                                dim_album.album_type,
                                dim_album.release_date,
                                dim_album.release_date_precision,
                                dim_album.track_count,
                                dim_album.label,
                                dim_album.popularity,
                                dim_album.image_url
                            )
                        )
                    )
            )
            and not exists (
                select 1
                from staged_artist
                left join listening.dim_artist on dim_artist.artist_id = staged_artist.artist_id
                left join listening.dim_artist as by_name
                    on
                        staged_artist.artist_id is null
                        and by_name.artist_id is null
                        and by_name.artist_name = staged_artist.artist_name
                where
                    coalesce(dim_artist.artist_key, by_name.artist_key) is null
                    or staged_artist.fetched_at is not null
                    or (
                        staged_artist.artist_id is not null
                        and dim_artist.artist_name is null
                        and staged_artist.artist_name is not null
                    )
            )
            -- each track is credited to exactly the page's artists
            and not exists (select 1 from credited where credited.artist_key is null)
            and not exists (
                select 1
                from listening.bridge_track_artist
                where
                    bridge_track_artist.track_key in (select credited.track_key from credited)
                    and not exists (
                        select 1
                        from credited
                        where
                            credited.track_key = bridge_track_artist.track_key
                            and credited.artist_key = bridge_track_artist.artist_key
                    )
            )
            -- every alias is recorded
            and not exists (
                select 1
                from alias_of_page
                where
                    alias_of_page.track_name is not null
                    and alias_of_page.artist_name is not null
                    and not exists (
                        select 1
                        from listening.track_alias
                        where
                            track_alias.track_key = alias_of_page.track_key
                            and track_alias.name_hash = md5(
                                replace(ops.folded(alias_of_page.artist_name), chr(10), ' ') || chr(10)
                                || replace(ops.folded(alias_of_page.track_name), chr(10), ' ')
                            )::uuid
                    )
            )
            -- every observation is recorded, with its track and context
            and not exists (
                select 1
                from staged_play
                left join listening.dim_track on dim_track.track_uri = staged_play.track_uri
                left join listening.dim_context on dim_context.context_uri = staged_play.context_uri
                where
                    (staged_play.track_uri is not null and dim_track.track_key is null)
                    or (staged_play.context_uri is not null and dim_context.context_key is null)
                    or not exists (
                        select 1
                        from listening.observation
                        where
                            observation.listener_key = :listener_key
                            and observation.source_key = (
                                select source.source_key
                                from listening.source
                                where source.source_name = 'recently_played'
                            )
                            and observation.observed_at = staged_play.played_at
                            and observation.track_key = coalesce(dim_track.track_key, 0)
                            and observation.context_key = coalesce(dim_context.context_key, 0)
                            and observation.import_set_key is null  -- not only by a merge of listeners
                    )
            )
            -- and that two dates close together are two plays, as in 12_told_apart.sql
            and not exists (
                select 1
                from staged_play as earlier
                inner join staged_play as later
                    on
                        later.played_at >= earlier.played_at + interval '1 second'
                        and later.played_at <= earlier.played_at + (
                            select 2 * match_rule.seconds * interval '1 second'
                            from ops.match_rule
                            inner join listening.source on source.source_key = match_rule.source_key
                            where
                                source.source_name = 'recently_played'
                                and match_rule.tier = 0
                        )
                where not exists (
                    select 1
                    from ops.told_apart
                    where
                        told_apart.listener_key = :listener_key
                        and told_apart.earlier_at = earlier.played_at
                        and told_apart.later_at = later.played_at
                )
            )
        ),
        false
    ) as is_recorded,
    (
        select fact_play.played_at
        from listening.fact_play
        inner join listening.dim_play_profile on dim_play_profile.play_profile_key = fact_play.play_profile_key
        where
            fact_play.listener_key = :listener_key
            and 'recently_played' = any(dim_play_profile.sources)
        order by fact_play.played_at desc
        limit 1
    ) as recorded_to_at,
    (select min(staged_play.played_at) from staged_play) as window_starts_at
