-- Save genres of artists; told again, the new ones stand.
insert into listening.artist_genre (
    artist_key,
    provider,
    genres,
    fetched_at,
    matched_by
)
select
    told.artist_key,
    :provider,
    array(select genre from json_array_elements_text(told.genres) as names (genre)),
    :now,
    told.matched_by
from json_to_recordset(cast(:told as json)) as told (artist_key integer, genres json, matched_by text)
on conflict (artist_key, provider) do update
set
    genres = excluded.genres,
    fetched_at = excluded.fetched_at,
    matched_by = excluded.matched_by
