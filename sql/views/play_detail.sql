-- Grain: one play, with everything that is known about it: for BI tools that prefer one wide table.

create or replace view listening.play_detail with (security_invoker = true) as
select
    marked_plays.play_key,
    marked_plays.listener_key,
    dim_listener.listener_name,
    marked_plays.played_at,
    marked_plays.played_at at time zone dim_listener.time_zone as local_moment,
    dim_date.full_date as local_date,
    dim_time.hour as local_hour,
    dim_date.day_name,
    marked_plays.content_type,
    dim_track.track_uri,
    dim_track.track_name,
    track_credit.artist_names,
    track_credit.main_artist_names,
    track_credit.featured_artist_names,
    dim_album.album_name,
    dim_album.album_artist_name,
    dim_album.release_date,
    dim_album.release_date_precision,
    dim_album.image_url,
    listening.spotify_url(dim_track.track_uri) as track_url,
    marked_plays.duration_ms,
    dim_track.isrc,
    dim_track.is_explicit,
    dim_track.popularity,
    marked_plays.reported_ms,
    marked_plays.estimated_ms,
    marked_plays.ms_basis,
    marked_plays.best_ms,
    listening.is_counted('30s', marked_plays.best_ms, marked_plays.duration_ms, marked_plays.reason_end) as is_30s,
    listening.is_counted('half', marked_plays.best_ms, marked_plays.duration_ms, marked_plays.reason_end) as is_half,
    listening.is_counted('full', marked_plays.best_ms, marked_plays.duration_ms, marked_plays.reason_end) as is_full,
    dim_context.context_type,
    dim_context.context_uri,
    dim_context.context_name,
    dim_device.device_name,
    dim_device.device_type,
    dim_device.platform,
    dim_play_profile.reason_start,
    dim_play_profile.reason_end,
    dim_play_profile.is_shuffle,
    marked_plays.is_skipped,
    dim_play_profile.is_offline,
    dim_play_profile.is_private,
    dim_play_profile.country_code,
    (
        select string_agg(source.source_name, ', ' order by source.date_rank, source.source_key)
        from listening.source
        where source.source_name = any(dim_play_profile.sources)
    ) as sources,
    marked_plays.track_key,
    marked_plays.recording_key,
    marked_plays.is_excluded
from listening.marked_plays('-infinity', 'infinity')
inner join listening.dim_listener on dim_listener.listener_key = marked_plays.listener_key
inner join listening.dim_date on dim_date.date_key = marked_plays.date_key
inner join listening.dim_time on dim_time.time_key = marked_plays.time_key
inner join listening.dim_track on dim_track.track_key = marked_plays.track_key
inner join listening.dim_album on dim_album.album_key = dim_track.album_key
inner join listening.dim_context on dim_context.context_key = marked_plays.context_key
inner join listening.dim_device on dim_device.device_key = marked_plays.device_key
inner join listening.dim_play_profile on dim_play_profile.play_profile_key = marked_plays.play_profile_key
left join listening.track_credit on track_credit.track_key = marked_plays.track_key;

comment on view listening.play_detail is
    'One listen a row, with everything that is known of it: for BI tools that like one wide table. Everything that '
    'was listened to is in it, however short: filter by is_30s, is_half or is_full.';
comment on column listening.play_detail.play_key is 'The play.';
comment on column listening.play_detail.listener_key is 'Who listened.';
comment on column listening.play_detail.listener_name is 'Display name, if Spotify has one.';
comment on column listening.play_detail.played_at is 'End of the listen, as best known.';
comment on column listening.play_detail.local_moment is 'The same by the clock of the listener''s time zone.';
comment on column listening.play_detail.local_date is 'The listener''s local date of played_at.';
comment on column listening.play_detail.local_hour is 'The listener''s local hour of played_at, 0 to 23.';
comment on column listening.play_detail.day_name is 'Monday to Sunday.';
comment on column listening.play_detail.content_type is 'track, episode, chapter or local.';
comment on column listening.play_detail.track_uri is 'spotify:track:… and so on; null for the unknown track.';
comment on column listening.play_detail.track_name is 'Title; null for the unknown track.';
comment on column listening.play_detail.artist_names is 'All artists, joined by commas.';
comment on column listening.play_detail.main_artist_names is 'The main artists, joined by commas.';
comment on column listening.play_detail.featured_artist_names is
    'The featured artists, joined by commas; null when there is none.';
comment on column listening.play_detail.album_name is 'Album; of an episode the show, of a chapter the audiobook.';
comment on column listening.play_detail.album_artist_name is
    'Names of the album''s artists, joined by commas; the publisher of a show.';
comment on column listening.play_detail.release_date is
    'First day of the time of release: read it with release_date_precision.';
comment on column listening.play_detail.release_date_precision is
    'day, month or year: how much of release_date is known.';
comment on column listening.play_detail.image_url is 'Address of the largest cover.';
comment on column listening.play_detail.track_url is
    'Where Spotify shows it: what names it should link there. Null where it has no id.';
comment on column listening.play_detail.duration_ms is 'Length of the track in milliseconds; null while not described.';
comment on column listening.play_detail.isrc is 'International standard recording code.';
comment on column listening.play_detail.is_explicit is 'Marked as explicit.';
comment on column listening.play_detail.popularity is '0 to 100 when last described; null where Spotify leaves it out.';
comment on column listening.play_detail.reported_ms is
    'Milliseconds listened as a source reports them; null if none does.';
comment on column listening.play_detail.estimated_ms is
    'Milliseconds as estimated from the play before and the length of the track; null when that is unknown.';
comment on column listening.play_detail.ms_basis is 'Where best_ms is from: reported, measured or estimated.';
comment on column listening.play_detail.best_ms is 'What is reported, else what is estimated.';
comment on column listening.play_detail.is_30s is 'At least thirty seconds were played, or no source says.';
comment on column listening.play_detail.is_half is 'At least half of it was played, or four minutes.';
comment on column listening.play_detail.is_full is 'Played to its end.';
comment on column listening.play_detail.context_type is
    'album, artist, playlist, collection or show; null: not reported.';
comment on column listening.play_detail.context_uri is 'From where it was played.';
comment on column listening.play_detail.context_name is 'Name of that, where one is known.';
comment on column listening.play_detail.device_name is 'Name of the device.';
comment on column listening.play_detail.device_type is 'Computer, Smartphone, Speaker and so on.';
comment on column listening.play_detail.platform is 'Platform as an export writes it.';
comment on column listening.play_detail.reason_start is 'Why it began, in Spotify''s words.';
comment on column listening.play_detail.reason_end is 'Why it ended, in Spotify''s words.';
comment on column listening.play_detail.is_shuffle is 'Shuffle was on.';
comment on column listening.play_detail.is_skipped is
    'It was skipped; where Spotify does not say (before October 2022), whether it ended by the forward button.';
comment on column listening.play_detail.is_offline is 'It was played without a connection.';
comment on column listening.play_detail.is_private is 'It was played in a private session.';
comment on column listening.play_detail.country_code is 'Country it was played in, two letters.';
comment on column listening.play_detail.sources is 'Which sources reported it, joined by commas.';
comment on column listening.play_detail.track_key is 'Key of what was played; 0: unknown.';
comment on column listening.play_detail.recording_key is
    'Key that all ids of one recording share: count distinct ones of these.';
comment on column listening.play_detail.is_excluded is
    'A rule of listening.exclusion leaves it out of reports and totals.';
