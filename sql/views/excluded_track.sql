-- Grain: a rule of what is left out and a track that it is about. Rules that are not about tracks are not in it; what
-- rules ask besides is in exclusion_scope.
--
-- An artist or an album known by name alone gets a row with an id when the catalogue describes its tracks, maybe under
-- another name. So a rule about one remembers the tracks that it was made about (member_track_keys), and is also about
-- the artists of its name, in any case, and the albums that these tracks have now.

create or replace view listening.excluded_track with (security_invoker = true) as
with about as (
    -- the artists that rules are about, by name or by genre
    select
        exclusion.listener_key,
        exclusion.exclusion_key,
        'artist' as condition,
        exclusion.artist_key,
        exclusion.member_track_keys
    from listening.exclusion
    where exclusion.artist_key is not null
    union all
    select
        exclusion.listener_key,
        exclusion.exclusion_key,
        'genre',
        chosen_genre.artist_key,
        null
    from listening.exclusion
    inner join (
        -- only of artists whom anybody says to be of such a genre
        select
            chosen_genre.artist_key,
            unnest(chosen_genre.genres) as genre_name
        from listening.chosen_genre
        where
            chosen_genre.artist_key = any(array(
                select dim_artist.artist_key
                from listening.dim_artist
                where dim_artist.genres && array(select asked.genre_name from listening.exclusion as asked)
                union all
                select artist_genre.artist_key
                from listening.artist_genre
                where artist_genre.genres && array(select asked.genre_name from listening.exclusion as asked)
            ))
    ) as chosen_genre on chosen_genre.genre_name = exclusion.genre_name
),
album as (
    -- the albums that rules are about
    select
        exclusion.listener_key,
        exclusion.exclusion_key,
        exclusion.album_key
    from listening.exclusion
    where exclusion.album_key is not null
    union
    select
        exclusion.listener_key,
        exclusion.exclusion_key,
        dim_track.album_key
    from listening.exclusion
    cross join lateral unnest(exclusion.member_track_keys) as member (track_key)
    inner join listening.dim_track on dim_track.track_key = member.track_key
    where
        exclusion.album_key is not null
        and dim_track.album_key > 0
),
met as (
    select
        about.listener_key,
        about.exclusion_key,
        about.condition,
        bridge_track_artist.track_key
    from about
    inner join listening.dim_artist as chosen on chosen.artist_key = about.artist_key
    cross join lateral (
        -- the artist, and the one by name or by id that is counted with it: see standing_artist; the genres of one that
        -- is counted for another are not asked for
        select chosen.artist_key
        where
            about.condition = 'artist'
            or chosen.artist_id is not null
            or (
                select count(*)
                from listening.dim_artist as with_id
                where
                    with_id.artist_id is not null
                    and with_id.artist_name = chosen.artist_name
            ) <> 1
        union all
        select namesake.artist_key
        from listening.dim_artist as namesake
        where
            chosen.artist_id is not null
            and namesake.artist_id is null
            and namesake.artist_name = chosen.artist_name
            and not exists (
                select 1
                from listening.dim_artist as other
                where
                    other.artist_id is not null
                    and other.artist_name = chosen.artist_name
                    and other.artist_key <> chosen.artist_key
            )
        union all
        select min(namesake.artist_key)
        from listening.dim_artist as namesake
        where
            about.condition = 'artist'
            and chosen.artist_id is null
            and namesake.artist_id is not null
            and namesake.artist_name = chosen.artist_name
        having count(*) = 1
        union all
        select described.artist_key
        from unnest(about.member_track_keys) as member (track_key)
        inner join listening.bridge_track_artist as credit on credit.track_key = member.track_key
        inner join listening.dim_artist as described on described.artist_key = credit.artist_key
        where listening.folded(described.artist_name) = listening.folded(chosen.artist_name)
    ) as member
    inner join listening.bridge_track_artist
        on
            bridge_track_artist.artist_key = member.artist_key
            and (
                about.condition = 'artist'
                or bridge_track_artist.role = 'main'
            )
    union
    select
        exclusion.listener_key,
        exclusion.exclusion_key,
        'track',
        exclusion.track_key
    from listening.exclusion
    where exclusion.track_key is not null
    union
    select
        exclusion.listener_key,
        exclusion.exclusion_key,
        'track',
        relative.track_key
    from listening.exclusion
    inner join listening.dim_track on dim_track.track_key = exclusion.track_key
    inner join listening.dim_track as relative on relative.recording_key = dim_track.recording_key
    union
    select
        album.listener_key,
        album.exclusion_key,
        'album',
        dim_track.track_key
    from album
    inner join listening.dim_album on dim_album.album_key = album.album_key
    inner join listening.dim_album as edition
        on
            edition.album_key = dim_album.album_key
            or (
                edition.album_name = dim_album.album_name
                and edition.album_artist_name is not distinct from dim_album.album_artist_name
            )
    inner join listening.dim_track on dim_track.album_key = edition.album_key
)
select
    exclusion.listener_key,
    exclusion.exclusion_key,
    met.track_key,
    num_nonnulls(
        exclusion.context_key, exclusion.device_name, exclusion.from_minute, exclusion.weekdays, exclusion.since_date,
        exclusion.until_date
    ) = 0 as is_whole
from met
inner join listening.exclusion
    on
        exclusion.listener_key = met.listener_key
        and exclusion.exclusion_key = met.exclusion_key
group by
    exclusion.listener_key,
    exclusion.exclusion_key,
    met.track_key
having
    count(*)
    = num_nonnulls(exclusion.artist_key, exclusion.track_key, exclusion.album_key, exclusion.genre_name);

comment on view listening.excluded_track is
    'Which tracks the rules of listening.exclusion are about: those that meet all that a rule says of artist, track, '
    'album and genre.';
comment on column listening.excluded_track.listener_key is 'Whose rule.';
comment on column listening.excluded_track.exclusion_key is 'Number of the rule.';
comment on column listening.excluded_track.track_key is 'A track that it is about.';
comment on column listening.excluded_track.is_whole is
    'The rule asks nothing besides: every play of the track is left out.';
