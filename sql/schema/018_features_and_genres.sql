-- What other providers say of tracks and artists: audio features, genres, ids. One row for each provider; the views
-- choose by listening.provider. And what a provider did not know, so that it is asked again after ever longer pauses.

-- Grain: a provider.
create table listening.provider (
    provider text primary key,
    provider_name text not null,
    feature_rank smallint unique,
    genre_rank smallint unique
);
comment on table listening.provider is
    'Who tells audio features and genres. Of several that know the same thing the one of the lowest rank is chosen.';
comment on column listening.provider.provider is 'Its name in PROVIDERS; spotify and spotify_archive need no setting.';
comment on column listening.provider.provider_name is 'Its name for people.';
comment on column listening.provider.feature_rank is 'Rank for audio features. Null: it tells none.';
comment on column listening.provider.genre_rank is 'Rank for genres. Null: it tells none.';

insert into listening.provider (provider, provider_name, feature_rank, genre_rank)
values
    ('spotify', 'Spotify', null, 1),
    ('spotify_archive', 'Spotify''s archive', 1, null),
    ('reccobeats', 'ReccoBeats', 2, null),
    ('deezer', 'Deezer', 3, null),
    ('musicbrainz', 'MusicBrainz', null, null),
    ('listenbrainz', 'ListenBrainz', null, 2),
    ('wikidata', 'Wikidata', null, 3),
    ('lastfm', 'Last.fm', null, 4);

-- Features are kept for each provider. No version of the program has filled the table; what somebody wrote into it
-- by hand counts as Spotify's own of before November 2024.
alter table listening.track_feature
    add column provider text not null default 'spotify_archive' references listening.provider,
    add column fetched_at timestamptz not null default now(),
    add column matched_by text not null default 'id' check (matched_by in ('id', 'isrc', 'name')),
    add column duration_ms integer,
    add column out_of_range_count smallint not null default 0,
    drop constraint track_feature_pkey,
    add primary key (track_key, provider);
alter table listening.track_feature
    alter column provider drop default,
    alter column fetched_at drop default,
    alter column matched_by drop default;
update listening.track_feature set key = null where key = -1;
comment on table listening.track_feature is
    'Audio features, one row for each track and provider. Unknown or outside of its documented range is null.';
comment on column listening.track_feature.provider is 'Who told them.';
comment on column listening.track_feature.fetched_at is 'When.';
comment on column listening.track_feature.matched_by is
    'How the provider''s track was found: id (Spotify''s), isrc (and about the same length), or name.';
comment on column listening.track_feature.duration_ms is 'Length in milliseconds as the provider has it; mostly null.';
comment on column listening.track_feature.out_of_range_count is
    'How many values of the answer were outside of their documented range, and so are null.';
comment on column listening.track_feature.key is 'Pitch class, 0 is C. Null: none found.';

-- A genre is one word, however its letters are written: what is told from now on is kept in lower case.
update listening.dim_artist set genres = lower(dim_artist.genres::text)::text[]
where dim_artist.genres::text <> lower(dim_artist.genres::text);

-- Grain: an artist and a provider.
create table listening.artist_genre (
    artist_key integer not null references listening.dim_artist,
    provider text not null references listening.provider,
    genres text[] not null check (cardinality(genres) > 0),
    fetched_at timestamptz not null,
    matched_by text not null check (matched_by in ('id', 'isrc', 'name')),
    primary key (artist_key, provider)
);
comment on table listening.artist_genre is
    'Genres of artists from other providers than Spotify, whose own are in dim_artist.genres.';
comment on column listening.artist_genre.artist_key is 'The artist.';
comment on column listening.artist_genre.provider is 'Who told them.';
comment on column listening.artist_genre.genres is
    'Genres in lower case, the one with the most votes first; never empty.';
comment on column listening.artist_genre.fetched_at is 'When.';
comment on column listening.artist_genre.matched_by is
    'How the provider''s artist was found: id (Spotify''s, or the MBID found by it) or name.';

-- Grain: an artist and a provider.
create table listening.artist_identity (
    artist_key integer not null references listening.dim_artist,
    provider text not null references listening.provider,
    mbid text check (mbid ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'),
    country text check (country ~ '^[A-Z]{2}$'),
    artist_type text,
    fetched_at timestamptz not null,
    matched_by text not null check (matched_by in ('id', 'isrc', 'name')),
    primary key (artist_key, provider)
);
comment on table listening.artist_identity is 'Who an artist is elsewhere: the id at MusicBrainz, and the country.';
comment on column listening.artist_identity.artist_key is 'The artist.';
comment on column listening.artist_identity.provider is 'Who told it.';
comment on column listening.artist_identity.mbid is 'Id at MusicBrainz; null where the provider knows none.';
comment on column listening.artist_identity.country is 'Two letters as in ISO 3166; null: unknown.';
comment on column listening.artist_identity.artist_type is 'Person, Group and the like in the provider''s words.';
comment on column listening.artist_identity.fetched_at is 'When.';
comment on column listening.artist_identity.matched_by is 'How it was found: id is Spotify''s id of the artist.';

-- Grain: a provider and something that it did not know.
create table ops.provider_miss (
    provider text not null,
    kind text not null check (kind in ('track_id', 'track_isrc', 'artist')),
    item_key integer not null,
    miss_count smallint not null,
    ask_again_at timestamptz not null,
    primary key (provider, kind, item_key)
);
comment on table ops.provider_miss is
    'What a provider answered that it does not know. Asked again after 7, 30, 90 and then every 365 days. An error is '
    'no miss.';
comment on column ops.provider_miss.provider is 'Who was asked.';
comment on column ops.provider_miss.kind is 'By what: track_id, track_isrc or artist.';
comment on column ops.provider_miss.item_key is 'track_key or artist_key.';
comment on column ops.provider_miss.miss_count is 'How often in a row it did not know.';
comment on column ops.provider_miss.ask_again_at is 'Not asked for this before then.';

comment on table ops.pause is
    'Until when Spotify or another provider wants to be left alone. Looked at before the first call of a run, and '
    'never slept through.';
comment on column ops.pause.scope is
    'catalogue, player, plays and whose, or provider and its name: a lock on one never stops the other.';
