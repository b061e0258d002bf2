"""The simulated providers of features and genres as a function, with the quirks that the real ones have. Pure.

Each answers below its own path, such as /reccobeats/v1/audio-features. Rows come in another order than asked, unknown ids
are left out, and several errors have status 200.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from etl.simulator.catalogue import Catalogue
from etl.simulator.world import Answer, Fault, Request

Json = Mapping[str, Any]
BUSY = "The MusicBrainz web server is currently busy. Please try again later."
TOO_FAST = "Your requests are exceeding the allowable rate limit."
SPOTIFY_ARTIST = "https://open.spotify.com/artist/"


@dataclass(frozen=True)
class Recording:
    """What ReccoBeats and Deezer know of a track. `features` lack what is unknown; a `tempo` of None is Deezer's 0."""

    track_id: str
    isrc: str | None
    duration_ms: int
    features: Json | None = None  # None: ReccoBeats does not have it
    tempo: float | None = None
    is_at_deezer: bool = False
    is_by_isrc: bool = False  # ReccoBeats has the ISRC, under another id of Spotify's


@dataclass(frozen=True)
class Profile:
    """What MusicBrainz, ListenBrainz, Wikidata and Last.fm know of an artist. `mbid` None: MusicBrainz knows nothing."""

    artist_id: str
    name: str
    mbid: str | None = None
    country: str | None = None
    tags: tuple[tuple[str, int, bool], ...] = ()  # name, votes, whether it is a genre
    wikidata: tuple[str, ...] = ()
    lastfm: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class ProviderWorld:
    """All that the providers know, what goes wrong, and when MusicBrainz was last called.

    `is_strict`: MusicBrainz refuses a second call within a second.
    """

    recordings: tuple[Recording, ...] = ()
    profiles: tuple[Profile, ...] = ()
    faults: tuple[Fault, ...] = ()
    lastfm_key: str = "00000000000000000000000000000f0e"
    is_strict: bool = True
    last_call: datetime | None = field(default=None, repr=False)


def made_up_providers(catalogue: Catalogue) -> ProviderWorld:
    """What the providers know of a catalogue: most of it; the same for the same catalogue."""
    return ProviderWorld(
        tuple(recording_of(one.id, one.isrc, one.duration_ms) for one in catalogue.tracks.values()),
        tuple(profile_of(one.id, one.name, one.genres) for one in catalogue.artists.values()),
    )


def recording_of(track_id: str, isrc: str | None, duration_ms: int) -> Recording:
    """ReccoBeats has 7 of 10 by id and 1 by ISRC alone; Deezer has half, and of a third of those no tempo."""
    kind, tempo = share("kind", track_id), 70 + 100 * share("tempo", track_id)
    return Recording(
        track_id,
        isrc,
        duration_ms,
        features_of(track_id) if kind < 0.8 else None,
        None if share("deezer tempo", track_id) < 0.33 else round(tempo, 1),
        is_at_deezer=share("deezer", track_id) < 0.5,
        is_by_isrc=0.7 <= kind < 0.8,
    )


def features_of(track_id: str) -> Json:
    """Features of a track; the same for the same id. One in nine has no key, which is told as -1."""
    energy = share("energy", track_id)
    return {
        "acousticness": round(1 - energy * 0.9, 3),
        "danceability": round(0.2 + 0.7 * share("danceability", track_id), 3),
        "energy": round(energy, 3),
        "instrumentalness": round(share("instrumentalness", track_id) ** 4, 4),
        "key": -1 if share("key", track_id) < 0.11 else int(share("key", track_id) * 12),
        "liveness": round(share("liveness", track_id) ** 2, 3),
        "loudness": round(-25 + 22 * energy, 3),
        "mode": int(share("mode", track_id) < 0.6),
        "speechiness": round(0.03 + 0.9 * share("speechiness", track_id) ** 5, 4),
        "tempo": round(70 + 100 * share("tempo", track_id), 3),
        "valence": round(share("valence", track_id), 3),
    }


def profile_of(artist_id: str, name: str, genres: tuple[str, ...]) -> Profile:
    """MusicBrainz knows 3 of 4 artists, half of them with genres; Wikidata and Last.fm some of the others."""
    kind = share("artist", artist_id)
    named = genres or ("attic house", "corridor jazz")
    return Profile(
        artist_id,
        name,
        mbid_of(artist_id) if kind < 0.75 else None,
        ("GB", "DE", "FR", "US")[int(share("country", artist_id) * 4)],
        (*((one, 9 - place, True) for place, one in enumerate(named)), ("seen live", 20, False)) if kind < 0.5 else (),
        named[:1] if share("wikidata", artist_id) < 0.5 else (),
        (*((one, 100 - 20 * place) for place, one in enumerate(named)), ("germany", 2)),
    )


def mbid_of(artist_id: str) -> str:
    digits = hashlib.blake2b(artist_id.encode(), digest_size=16).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def share(*about: object) -> float:
    """A number from 0 to below 1; the same for the same arguments."""
    return int.from_bytes(hashlib.blake2b(repr(about).encode(), digest_size=4).digest()) / 2**32


def answer(world: ProviderWorld, request: Request) -> tuple[Answer, ProviderWorld]:
    """Answer a request; returns the answer and the world after it."""
    for place, fault in enumerate(world.faults):
        if fault.times > 0 and re.fullmatch(fault.path.replace("*", ".*"), request.path):
            spent = replace(fault, times=fault.times - 1)
            world = replace(world, faults=(*world.faults[:place], spent, *world.faults[place + 1 :]))
            if fault.status is None:
                return replace(true_answer(world, request), fate=fault.fate), world
            body = b"<html><body>Error</body></html>" if fault.body is None else fault.body
            return Answer(fault.status, dict(fault.headers), body, fault.fate), world
    is_musicbrainz = request.path.startswith("/musicbrainz/")
    if is_musicbrainz:
        last, world = world.last_call, replace(world, last_call=request.at)
        if world.is_strict and last is not None and request.at - last < timedelta(seconds=1):
            return Answer.of(503, {"error": TOO_FAST}, {"Retry-After": "2"}), world
    return true_answer(world, request), world


def true_answer(world: ProviderWorld, request: Request) -> Answer:
    name, slash, rest = request.path.removeprefix("/").partition("/")
    path = slash + rest
    given = ANSWERS.get(name)
    return Answer(404, {}, b"not found") if given is None else given(world, request, path)


def reccobeats(world: ProviderWorld, request: Request, path: str) -> Answer:
    if request.headers.get("user-agent", "").lower().startswith("python"):
        return Answer(403, {}, b"error code: 1010")
    ids = [value for name, part in request.pairs if name == "ids" for value in part.split(",")]
    if not 1 <= len(ids) <= 40:
        return Answer.of(400, {"error": "ids: size must be between 1 and 40", "code": 4004})
    asked = set(ids)
    rows = [
        (own_id(one), one, row)
        for one in world.recordings
        if one.features is not None
        and (
            own_id(one) in asked
            or (one.isrc in asked if one.isrc else False)
            or (one.track_id in asked and not one.is_by_isrc)
        )
        for row in [reccobeats_row(one, path)]
        if row is not None
    ]
    # in any order: by its own ids
    return Answer.of(200, {"content": [row for _, _, row in sorted(rows, key=lambda one: one[0])]})


def own_id(one: Recording) -> str:
    return mbid_of(f"reccobeats {one.track_id}")


def reccobeats_row(one: Recording, path: str) -> Json | None:
    track_id = one.track_id[::-1] if one.is_by_isrc else one.track_id
    known = {"id": own_id(one), "href": f"https://open.spotify.com/track/{track_id}", "isrc": one.isrc}
    if path == "/v1/audio-features":
        return {**known, **(one.features or {})}
    if path == "/v1/track":
        return {**known, "trackTitle": "Title", "artists": [], "durationMs": one.duration_ms}
    return None


def deezer(world: ProviderWorld, request: Request, path: str) -> Answer:
    asked = path.removeprefix("/track/isrc:")
    for one in world.recordings:
        if one.isrc == asked and one.is_at_deezer:
            seconds, bpm = one.duration_ms // 1000, one.tempo or 0
            known = {"id": 1, "title": "Title", "isrc": one.isrc, "duration": seconds, "bpm": bpm, "gain": -8.1}
            return Answer.of(200, {**known, "type": "track"})
    return Answer.of(200, {"error": {"type": "DataException", "message": "no data", "code": 800}})


def musicbrainz(world: ProviderWorld, request: Request, path: str) -> Answer:
    if "(" not in request.headers.get("user-agent", ""):
        return Answer(403, {}, b"blocked")
    resources = [value for name, value in request.pairs if name == "resource"]
    if len(resources) > 100:
        return Answer.of(400, {"error": "too many resources"})
    known = {f"{SPOTIFY_ARTIST}{one.artist_id}": one for one in world.profiles if one.mbid}
    urls = [musicbrainz_url(known[resource], resource) for resource in reversed(resources) if resource in known]
    if len(resources) == 1:
        return Answer.of(200, urls[0]) if urls else Answer.of(404, {"error": "Not Found"})
    return Answer.of(200, {"url-count": len(urls), "url-offset": 0, "urls": urls})


def musicbrainz_url(one: Profile, resource: str) -> Json:
    artist = {"id": one.mbid, "name": one.name, "sort-name": one.name, "disambiguation": "", "country": one.country}
    return {
        "id": mbid_of(resource),
        "resource": resource,
        "relations": [
            {
                "type": "free streaming",
                "target-type": "artist",
                "direction": "backward",
                "ended": False,
                "artist": {**artist, "type": "Group"},
            }
        ],
    }


def listenbrainz(world: ProviderWorld, request: Request, path: str) -> Answer:
    asked = request.query.get("artist_mbids", "").split(",")
    rows = []
    for one in world.profiles:
        if one.mbid in asked:
            tags = [
                {
                    "artist_mbid": one.mbid,
                    "count": votes,
                    "tag": tag,
                    **({"genre_mbid": mbid_of(tag)} if is_genre else {}),
                }
                for tag, votes, is_genre in sorted(one.tags)
            ]
            rows.append({"artist_mbid": one.mbid, "mbid": one.mbid, "name": one.name, "tag": {"artist": tags}})
    return listed(rows)


def listed(rows: list[Any]) -> Answer:
    return Answer(200, {"Content-Type": "application/json"}, json.dumps(rows).encode())


def wikidata(world: ProviderWorld, request: Request, path: str) -> Answer:
    asked = re.findall(r'"([0-9A-Za-z]{22})"', request.form.get("query", ""))
    rows = [
        {
            "id": {"type": "literal", "value": one.artist_id},
            "genreLabel": {"xml:lang": "en", "type": "literal", "value": genre},
            **({"country": {"type": "literal", "value": one.country}} if one.country else {}),
        }
        for one in world.profiles
        if one.artist_id in asked
        for genre in one.wikidata
    ]
    return Answer.of(200, {"head": {"vars": ["id", "genreLabel", "country"]}, "results": {"bindings": rows[::-1]}})


def lastfm(world: ProviderWorld, request: Request, path: str) -> Answer:
    if request.query.get("api_key") != world.lastfm_key:
        return Answer.of(200, {"error": 10, "message": "Invalid API key - You must be granted a valid key by last.fm"})
    mbid, name = request.query.get("mbid"), request.query.get("artist")
    for one in world.profiles:
        if one.lastfm and ((mbid and one.mbid == mbid) or (name and one.name == name)):
            tags = [{"count": count, "name": tag, "url": ""} for tag, count in one.lastfm]
            return Answer.of(200, {"toptags": {"tag": tags, "@attr": {"artist": one.name}}})
    return Answer.of(200, {"error": 6, "message": "The artist you supplied could not be found"})


ANSWERS: Mapping[str, Callable[[ProviderWorld, Request, str], Answer]] = {
    "reccobeats": reccobeats,
    "deezer": deezer,
    "musicbrainz": musicbrainz,
    "listenbrainz": listenbrainz,
    "wikidata": wikidata,
    "lastfm": lastfm,
}
