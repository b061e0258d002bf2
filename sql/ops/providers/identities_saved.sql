-- Save who artists are elsewhere; told again, the new row stands.
insert into listening.artist_identity (
    artist_key,
    provider,
    mbid,
    country,
    artist_type,
    fetched_at,
    matched_by
)
select
    told.artist_key,
    :provider,
    told.mbid,
    told.country,
    told.artist_type,
    :now,
    'id'
from json_to_recordset(cast(:told as json)) as told (artist_key integer, mbid text, country text, artist_type text)
on conflict (artist_key, provider) do update
set
    mbid = excluded.mbid,
    country = excluded.country,
    artist_type = excluded.artist_type,
    fetched_at = excluded.fetched_at,
    matched_by = excluded.matched_by
