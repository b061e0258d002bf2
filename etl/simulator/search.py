"""The simulated Spotify's search for tracks, as an app of 2026 gets it. Pure."""

from __future__ import annotations

import re
import unicodedata

from etl.simulator import objects
from etl.simulator.catalogue import Track
from etl.simulator.world import Answer, Request, World

FIELD = re.compile(r'(track|artist):(?:"([^"]*)"|(\S+))')
MOST, USUAL = 10, 5  # tracks on a page: the limit for apps in development mode, and its default


def search(world: World, request: Request) -> Answer:
    """Tracks whose title and artists hold the words of q (with or without the filters track: and artist:).

    Those whose title is nearest in length come first. Other types are not served.
    """
    asked, kinds = request.query.get("q", ""), request.query.get("type", "")
    limit = request.query.get("limit", str(USUAL))
    if not asked.strip():
        return Answer.error(400, "No search query")
    if kinds != "track":
        return Answer.error(400, "Missing parameter type" if not kinds else "Bad search type field")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST:
        return Answer.error(400, "Invalid limit")
    fields = {kind: quoted or bare for kind, quoted, bare in FIELD.findall(asked)}
    wanted = {**fields, "any": FIELD.sub(" ", asked)}
    found = sorted(
        (track for track in world.catalogue.tracks.values() if holds(world, track, wanted)),
        key=lambda track: (len(words_of(track.name)), track.id),
    )
    items = [objects.full_track(world, track) for track in found[: int(limit)]]
    href = f"{objects.API_URL}/search?query={asked}&type=track&offset=0&limit={limit}"
    page = {"href": href, "items": items, "limit": int(limit), "next": None, "offset": 0, "previous": None}
    return Answer.of(200, {"tracks": {**page, "total": len(found)}})


def holds(world: World, track: Track, wanted: dict[str, str]) -> bool:
    title = words_of(track.name)
    artists = [word for one in track.artist_ids for word in words_of(world.catalogue.artists[one].name)]
    return (
        set(words_of(wanted.get("track", ""))) <= set(title)
        and set(words_of(wanted.get("artist", ""))) <= set(artists)
        and set(words_of(wanted["any"])) <= {*title, *artists}
    )


def words_of(name: str) -> list[str]:
    """The words of a name without case, accents and punctuation; of one that has none, its characters."""
    plain = "".join(one for one in unicodedata.normalize("NFKD", name).casefold() if not unicodedata.combining(one))
    return re.findall(r"\w+", plain) or plain.split()
