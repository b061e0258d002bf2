-- The rule of a listener that has the same conditions as another one of theirs, if there is any.
select min(other.exclusion_key) as exclusion_key
from listening.exclusion
inner join listening.exclusion as other
    on
        other.listener_key = exclusion.listener_key
        and other.exclusion_key <> exclusion.exclusion_key
        and (
            other.artist_key, other.track_key, other.album_key, other.context_key, other.from_minute,
            other.until_minute, other.since_date, other.until_date, lower(other.genre_name), lower(other.device_name),
            other.weekdays
        ) is not distinct from (
            exclusion.artist_key, exclusion.track_key, exclusion.album_key, exclusion.context_key,
            exclusion.from_minute, exclusion.until_minute, exclusion.since_date, exclusion.until_date,
            lower(exclusion.genre_name), lower(exclusion.device_name), exclusion.weekdays
        )
where
    exclusion.listener_key = :listener_key
    and exclusion.exclusion_key = :exclusion_key
