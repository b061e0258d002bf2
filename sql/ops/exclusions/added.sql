-- A new rule of a listener. Its number follows the highest in use, also of rules that a merge of listeners moved: a
-- sequence would count rules that are only tried, or refused. To be run after locked.sql.
insert into listening.exclusion (
    listener_key,
    exclusion_key,
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
overriding system value
select
    :listener_key,
    greatest(
        (select max(exclusion.exclusion_key) from listening.exclusion),
        (
            select max(moved.exclusion_key)
            from ops.listener_merge
            cross join lateral unnest(listener_merge.exclusion_keys) as moved (exclusion_key)
        ),
        0
    ) + 1,
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
returning exclusion_key
