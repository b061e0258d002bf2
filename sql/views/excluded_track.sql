-- Grain: a rule of what is left out and a track that it is about. Rules that are not about tracks are not in it.

create or replace view listening.excluded_track as
with met as (
    select
        exclusion.listener_key,
        exclusion.exclusion_key,
        'artist' as condition,
        bridge_track_artist.track_key
    from listening.exclusion
    inner join listening.standing_artist as chosen on chosen.artist_key = exclusion.artist_key
    inner join listening.dim_artist as standing on standing.artist_key = chosen.standing_artist_key
    inner join listening.dim_artist as namesake on namesake.artist_name = standing.artist_name
    inner join listening.standing_artist
        on
            standing_artist.artist_key = namesake.artist_key
            and standing_artist.standing_artist_key = standing.artist_key
    inner join listening.bridge_track_artist on bridge_track_artist.artist_key = namesake.artist_key
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
        exclusion.listener_key,
        exclusion.exclusion_key,
        'album',
        dim_track.track_key
    from listening.exclusion
    inner join listening.dim_album on dim_album.album_key = exclusion.album_key
    inner join listening.dim_album as edition
        on
            edition.album_key = dim_album.album_key
            or (
                edition.album_name = dim_album.album_name
                and edition.album_artist_name is not distinct from dim_album.album_artist_name
            )
    inner join listening.dim_track on dim_track.album_key = edition.album_key
    union
    select
        exclusion.listener_key,
        exclusion.exclusion_key,
        'genre',
        bridge_track_artist.track_key
    from listening.exclusion
    inner join listening.chosen_genre on exclusion.genre_name = any(chosen_genre.genres)
    inner join listening.bridge_track_artist
        on
            bridge_track_artist.artist_key = chosen_genre.artist_key
            and bridge_track_artist.role = 'main'
)
select
    met.listener_key,
    met.exclusion_key,
    met.track_key
from met
inner join listening.exclusion
    on
        exclusion.listener_key = met.listener_key
        and exclusion.exclusion_key = met.exclusion_key
group by
    met.listener_key,
    met.exclusion_key,
    met.track_key
having
    count(*) = max(
        num_nonnulls(exclusion.artist_key, exclusion.track_key, exclusion.album_key, exclusion.genre_name)
    );

comment on view listening.excluded_track is
    'Which tracks the rules of listening.exclusion are about: those that meet all that a rule says of artist, track, '
    'album and genre.';
comment on column listening.excluded_track.listener_key is 'Whose rule.';
comment on column listening.excluded_track.exclusion_key is 'Number of the rule.';
comment on column listening.excluded_track.track_key is 'A track that it is about.';
