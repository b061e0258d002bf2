"""Wikidata: genres and country of artists by Spotify's id of them (property P1902), with one query for fifty.

https://www.wikidata.org/wiki/Property:P1902; P136 is the genre, P495 and P27 are countries, P297 is their code.
"""

import re
from collections.abc import Sequence

from etl.dimensions.providers.base import Caller, Item, Provider, ProviderError, Step, Told
from etl.dimensions.providers.musicbrainz import country_of
from etl.values import Json, genres, mapping

MOST_ARTISTS = 50
NAMELESS = re.compile(r"[QLP]\d+")  # what stands there where a genre has no English name
ID = re.compile(r"[0-9A-Za-z]{22}")  # nothing else goes into the query
QUERY = """\
SELECT ?id ?genreLabel ?country WHERE {{
  VALUES ?id {{ {ids} }}
  ?artist wdt:P1902 ?id .
  OPTIONAL {{ ?artist wdt:P136 ?genre . }}
  OPTIONAL {{ ?artist (wdt:P495|wdt:P27)/wdt:P297 ?country . }}
  SERVICE wikibase:label {{ bd:serviceParam wikibase:language "en" . ?genre rdfs:label ?genreLabel . }}
}}"""


def genres_and_countries(caller: Caller, items: Sequence[Item]) -> Told:
    """Genres of artists, and the country where there is just one. An artist without a genre is a miss."""
    keys = {item.spotify_id: item.key for item in items if item.spotify_id and ID.fullmatch(item.spotify_id)}
    if not keys:
        return Told()
    query = QUERY.format(ids=" ".join(f'"{one}"' for one in keys))
    answer = mapping(caller.ask("/sparql", form={"query": query, "format": "json"}))
    rows = mapping(answer.get("results")).get("bindings")
    if not isinstance(rows, list):
        raise ProviderError("an answer of another shape")
    told, named, countries = Told(), dict[int, list[str]](), dict[int, set[str]]()
    for row in map(mapping, rows):
        artist_id = value_of(row, "id")
        if artist_id is None:
            told.is_whole = False  # whose row it is can't be read
        key = keys.get(artist_id or "")
        if key is None:
            continue
        genre, country = value_of(row, "genreLabel"), country_of(value_of(row, "country"))
        if genre and not NAMELESS.fullmatch(genre):
            named.setdefault(key, []).append(genre)
        if country:
            countries.setdefault(key, set()).add(country)
    told.genres = {key: found for key, names in named.items() if (found := genres(sorted(set(names))))}
    told.identities = {
        key: {"mbid": None, "country": next(iter(found)), "artist_type": None}
        for key, found in countries.items()
        if len(found) == 1
    }
    return told


def value_of(row: Json, name: str) -> str | None:
    value = mapping(row.get(name)).get("value")
    return value if isinstance(value, str) else None


WIKIDATA = Provider(
    "wikidata",
    budget=10,
    pause_s=1.0,
    steps=(Step("artist", "genres", MOST_ARTISTS, genres_and_countries),),
)
