-- What listeners leave out of their reports. No fact changes: the rules act where plays are read (kept_plays).

-- Grain: a rule of a listener. A play is left out by a rule if it meets all the conditions that the rule has.
create table listening.exclusion (
    listener_key integer not null,
    exclusion_key integer not null generated always as identity,
    created_at timestamptz not null,
    artist_key integer,
    track_key integer,
    album_key integer,
    context_key integer,
    from_minute smallint check (from_minute between 0 and 1439),
    until_minute smallint check (until_minute between 0 and 1439),
    since_date date,
    until_date date,
    genre_name text,
    device_name text,
    weekdays smallint[] check (weekdays <@ '{1,2,3,4,5,6,7}'::smallint[] and cardinality(weekdays) > 0),
    note text,
    member_track_keys integer[],
    primary key (listener_key, exclusion_key),
    check (
        num_nonnulls(
            artist_key, track_key, album_key, context_key, from_minute, since_date, until_date, genre_name, device_name,
            weekdays
        ) > 0
    ),
    check (num_nonnulls(from_minute, until_minute) in (0, 2) and from_minute <> until_minute),
    check (since_date <= until_date)
);
comment on table listening.exclusion is
    'Rules of what a listener leaves out of reports. A play is left out if it meets all the conditions of one rule. '
    'Nothing is deleted: without the rule it counts as before.';
comment on column listening.exclusion.listener_key is 'Whose rule.';
comment on column listening.exclusion.exclusion_key is 'Number of the rule.';
comment on column listening.exclusion.created_at is 'When it was made.';
comment on column listening.exclusion.artist_key is 'Tracks of this artist, main or featured. Null: of anybody.';
comment on column listening.exclusion.track_key is 'This track, and all tracks of the same recording. Null: any.';
comment on column listening.exclusion.album_key is
    'What is on this album, in all its editions; of podcasts and audiobooks the show. Null: any.';
comment on column listening.exclusion.context_key is 'Played from here, such as a playlist. Null: from anywhere.';
comment on column listening.exclusion.from_minute is 'From this local minute of the day on, 0 to 1439. Null: at any time.';
comment on column listening.exclusion.until_minute is
    'Until before this local minute. If it is not later than from_minute, the time goes past midnight.';
comment on column listening.exclusion.since_date is 'From this local date on. Null: no beginning.';
comment on column listening.exclusion.until_date is 'Up to and including this local date. Null: no end.';
comment on column listening.exclusion.genre_name is 'Tracks that have a main artist of this genre. Null: of any.';
comment on column listening.exclusion.device_name is
    'Played on what has this name, type or platform, whatever the case of its letters. Null: on anything.';
comment on column listening.exclusion.weekdays is 'On these local weekdays, 1 for Monday to 7. Null: on any.';
comment on column listening.exclusion.note is 'Why, in the listener''s words.';
comment on column listening.exclusion.member_track_keys is
    'The tracks that it was about when it was made, if its artist or album is known by name alone: the catalogue may '
    'describe these under another name. Null: not needed.';
