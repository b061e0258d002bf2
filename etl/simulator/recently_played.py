"""`GET /v1/me/player/recently-played` of the simulated Spotify. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from heapq import nlargest
from typing import Any
from urllib.parse import urlencode

from etl.simulator import objects
from etl.simulator.world import Answer, Listener, Play, Request, World

WINDOW = 50  # plays in the list
DEFAULT_LIMIT = 20
CURSORS = ("after", "before")


def recently_played(world: World, request: Request, listener: Listener) -> Answer:
    """A page of the fifty newest plays that have arrived, newest first.

    `after` and `before` are Unix milliseconds, exclusive, and never given together. `next` is set on every page
    with items, so that of the last one leads to an empty page.
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
        (reported_at, play)
        for reported_at, play in _window(listener, request.at)
        if (after is None or after < _ms(reported_at)) and (before is None or _ms(reported_at) < before)
    ][:room]
    url = f"{_own_url(request)}/me/player/recently-played"
    body: dict[str, Any] = {
        "items": [_item(world, request.at, reported_at, play) for reported_at, play in page],
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
    reported = ((play.reported_at(at), play) for play in listener.plays if play.has_arrived(at))
    return nlargest(WINDOW, reported, key=lambda one: one[0])


def _item(world: World, at: datetime, reported_at: datetime, play: Play) -> objects.Object:
    track = play.item
    if track is None and play.track_id is not None:
        track = objects.full_track(world, world.catalogue.tracks[play.track_id])
    has_context = play.context_from is None or play.context_from <= at
    return {
        "track": track,
        "played_at": _format(reported_at),
        "context": objects.context(play.context_uri) if has_context else None,
    }


def _format(moment: datetime) -> str:
    """ISO 8601 with milliseconds, but none for a whole second, so that the texts do not sort by time."""
    precision = "milliseconds" if moment.microsecond // 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=precision) + "Z"


def _ms(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _own_url(request: Request) -> str:
    """The base of `next` and `href`: the server that was asked, so that nobody is sent to the real Spotify."""
    host = request.headers.get("host")
    return f"http://{host}/v1" if host else objects.API_URL


def _link(url: str, query: Mapping[str, str]) -> str:
    return f"{url}?{urlencode(sorted(query.items()))}" if query else url
