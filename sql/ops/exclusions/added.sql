-- A new rule of a listener.
insert into listening.exclusion (
    listener_key,
    created_at,
    artist_key,
    track_key,
    album_key,
    context_key,
    from_minute,
    until_minute,
    since_date,
    until_date,
    genre_name,
    device_name,
    weekdays,
    note
)
values (
    :listener_key,
    :now,
    :artist_key,
    :track_key,
    :album_key,
    :context_key,
    :from_minute,
    :until_minute,
    :since_date,
    :until_date,
    :genre_name,
    :device_name,
    :weekdays,
    :note
)
returning exclusion_key
