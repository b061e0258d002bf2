"""`GET /v1/me/player/recently-played` of the simulated Spotify. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from heapq import nlargest
from typing import Any
from urllib.parse import urlencode

from etl.simulator import objects
from etl.simulator.world import Answer, Listener, Play, Request, World

WINDOW = 50  # the list never reaches further back than this many plays
DEFAULT_LIMIT = 20
CURSORS = ("after", "before")


def recently_played(world: World, request: Request, listener: Listener) -> Answer:
    """A page of the fifty newest plays that have arrived, newest first.

    `after` and `before` are exclusive Unix milliseconds, never both. `next` is set on every page with
    items, the last useful one too, and leads to an empty page.
    """
    query = request.query
    try:
        limit = int(query.get("limit", DEFAULT_LIMIT))
        cursors = {name: int(query[name]) for name in CURSORS if name in query}
    except ValueError:
        return Answer.error(400, "Bad request")
    if not 1 <= limit <= WINDOW:
        return Answer.error(400, "Invalid limit")
    if len(cursors) == 2:
        return Answer.error(400, "Only one of after and before can be given")
    after, before = cursors.get("after"), cursors.get("before")
    room = limit if before is None else limit - world.short_before
    page = [
        (told, play)
        for told, play in _window(listener, request.at)
        if (after is None or after < _ms(told)) and (before is None or _ms(told) < before)
    ][:room]
    url = f"{_own_url(request)}/me/player/recently-played"
    body: dict[str, Any] = {
        "items": [_item(world, request.at, told, play) for told, play in page],
        "next": None,
        "cursors": None,
        "limit": limit,
        "href": _link(url, query),
    }
    if page:
        newest, oldest = str(_ms(page[0][0])), str(_ms(page[-1][0]))
        onward = {"before": oldest} if after is None else {"after": newest}
        body["cursors"] = {"after": newest, "before": oldest}
        body["next"] = _link(url, {**query, **onward})
    return Answer.of(200, body)


def _window(listener: Listener, at: datetime) -> list[tuple[datetime, Play]]:
    told = ((play.reported_at(at), play) for play in listener.plays if play.has_arrived(at))
    return nlargest(WINDOW, told, key=lambda one: one[0])


def _item(world: World, at: datetime, told: datetime, play: Play) -> objects.Object:
    track = play.item
    if track is None and play.track_id is not None:
        track = objects.full_track(world, world.catalogue.tracks[play.track_id])
    has_context = play.context_from is None or play.context_from <= at
    return {
        "track": track,
        "played_at": _stamp(told),
        "context": objects.context(play.context_uri) if has_context else None,
    }


def _stamp(moment: datetime) -> str:
    """With milliseconds, except that a whole second drops its fraction: text order is wrong order."""
    precision = "milliseconds" if moment.microsecond // 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _own_url(request: Request) -> str:
    """Links to follow lead to whoever was asked: nobody is sent from here to the real Spotify."""
    host = request.headers.get("host")
    return f"http://{host}/v1" if host else objects.API_URL


def _link(url: str, query: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(sorted(query.items()))}" if query else url
