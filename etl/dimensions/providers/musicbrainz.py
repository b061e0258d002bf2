"""MusicBrainz: who an artist is, by the address of the artist at Spotify; a hundred in one call.

One call a second for each address (https://musicbrainz.org/doc/MusicBrainz_API/Rate_Limiting). Two or more addresses
are answered with a list, one with the object alone, and with 404 where it is unknown.
"""

import re
from collections.abc import Sequence

from etl.dimensions.providers.base import Caller, Item, Provider, ProviderError, Step, Told
from etl.values import Json, Row, mapping, mappings, word

MOST_RESOURCES = 100
MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
COUNTRY = re.compile(r"[A-Z]{2}")
ARTIST = "https://open.spotify.com/artist/"


def identities(caller: Caller, items: Sequence[Item]) -> Told:
    """MBID, country and type of artists. An address that belongs to several artists there is a miss."""
    keys = {f"{ARTIST}{item.spotify_id}": item.key for item in items}
    resources = [("resource", one) for one in keys]
    answer = caller.ask("/ws/2/url", [*resources, ("inc", "artist-rels"), ("fmt", "json")], may_be_gone=len(keys) == 1)
    told = Told()
    for url in urls_of(answer, is_single=len(keys) == 1):
        if not isinstance(url.get("resource"), str) or not isinstance(url.get("relations", []), list):
            told.is_whole = False  # whose it is, or who that is, can't be read
            continue
        key = keys.get(url["resource"])
        identity = identity_of(url)
        if key is not None and identity is not None:
            told.identities[key] = identity
    return told


def urls_of(answer: object, *, is_single: bool) -> list[Json]:
    """The addresses that are known. Raises ProviderError for an answer of another shape."""
    if answer is None and is_single:
        return []
    body = mapping(answer)
    if isinstance(body.get("urls"), list):
        return [mapping(url) for url in body["urls"]]
    if isinstance(body.get("resource"), str):
        return [body]
    raise ProviderError("an answer of another shape")


def identity_of(url: Json) -> Row | None:
    """The only artist whose address this is; None if there is none or more than one."""
    artists = {
        artist["id"]: artist
        for relation in mappings(url.get("relations"))
        if isinstance((artist := mapping(relation.get("artist"))).get("id"), str) and MBID.fullmatch(artist["id"])
    }
    if len(artists) != 1:
        return None
    [artist] = artists.values()
    return {"mbid": artist["id"], "country": country_of(artist.get("country")), "artist_type": word(artist.get("type"))}


def country_of(told: object) -> str | None:
    """Two letters; None for anything else."""
    return told if isinstance(told, str) and COUNTRY.fullmatch(told) else None


MUSICBRAINZ = Provider(
    "musicbrainz",
    budget=30,
    pause_s=1.1,
    steps=(Step("artist", "identities", MOST_RESOURCES, identities),),
)
