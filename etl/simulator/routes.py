"""The simulated Spotify as a function: from a world and a request to an answer and the next world. Pure.

It answers as Spotify answers an app made in 2026, errors included. Time comes only from `request.at` and nothing
is random: the same requests get the same answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from etl.simulator import consent, objects, tokens
from etl.simulator.limits import count_call, forbidden
from etl.simulator.recently_played import recently_played
from etl.simulator.search import search
from etl.simulator.tokens import AccessToken, TokenError
from etl.simulator.world import (
    PLAYBACK_STATE,
    RECENTLY_PLAYED,
    Answer,
    App,
    Fault,
    Grant,
    Listener,
    Play,
    Request,
    World,
    world_of,
)

__all__ = [
    "Answer",
    "App",
    "Fault",
    "Grant",
    "Listener",
    "Play",
    "Request",
    "World",
    "answer",
    "world_of",
]

ROUTE = re.compile(
    r"/v1/(?:(?P<me>me(?:/player(?:/recently-played)?)?)"
    r"|(?P<search>search)"
    r"|(?P<kind>tracks|artists|albums|episodes|shows)(?:/(?P<id>[^/]+))?)"
)
BASE62_ID = re.compile(r"[0-9A-Za-z]{22}")
BATCH_LIMITS = {"tracks": 50, "artists": 50, "albums": 20, "episodes": 50, "shows": 50}


def answer(world: World, request: Request) -> tuple[Answer, World]:
    """Answer a request; returns the answer and the world after it."""
    fault, world = _fault(world, request.path)
    if fault is None:
        return _true_answer(world, request)
    if fault.status is None:
        given, world = _true_answer(world, request)
        return replace(given, fate=fault.fate), world
    usual = Answer.error(fault.status)
    body = usual.body if fault.body is None else fault.body
    return Answer(fault.status, {**usual.headers, **fault.headers}, body, fault.fate), world


def _fault(world: World, path: str) -> tuple[Fault | None, World]:
    """The fault that this request meets, if any, and the world in which it is used up."""
    for place, fault in enumerate(world.faults):
        if fault.times > 0 and fnmatchcase(path, fault.path):
            skips = fault.skip > 0
            spent = replace(fault, skip=fault.skip - 1) if skips else replace(fault, times=fault.times - 1)
            faults = (*world.faults[:place], spent, *world.faults[place + 1 :])
            return (None if skips else fault), replace(world, faults=faults)
    return None, world


def _true_answer(world: World, request: Request) -> tuple[Answer, World]:
    if (request.method, request.path) == ("POST", "/api/token"):
        try:
            body, world = tokens.exchange(world, request)
        except TokenError as error:
            return Answer.of(400, error.body), world
        return Answer.of(200, body), world
    if request.path == "/authorize":
        return (
            consent.submit_consent(world, request)
            if request.method == "POST"
            else (consent.consent_page(world, request), world)
        )
    asked = ROUTE.fullmatch(request.path)
    if request.method != "GET" or asked is None:
        return Answer.error(404, "Service not found"), world
    token = _bearer(world, request)
    if isinstance(token, Answer):
        return token, world
    refusal, world = count_call(world, request.at, is_catalogue=asked["me"] is None)
    refusal = refusal or forbidden(world, token)
    if refusal:
        return refusal, world
    if asked["me"]:
        return _personal(world, request, asked["me"], token), world
    if asked["search"]:
        return search(world, request), world
    return _catalogue(world, request, asked["kind"], asked["id"]), world


def _bearer(world: World, request: Request) -> AccessToken | Answer:
    kind, _, text = request.headers.get("authorization", "").partition(" ")
    if not kind:
        return Answer.error(401, "No token provided")
    if kind.lower() != "bearer":
        return Answer.error(400, "Only valid bearer authentication supported")
    token = tokens.unseal(world, text)
    if token is None:
        return Answer.error(401, "Invalid access token")
    if request.at >= token.expires_at:
        return Answer.error(401, "The access token expired")
    return token


def _personal(world: World, request: Request, asked: str, token: AccessToken) -> Answer:
    listener = world.listener(token.account_id)
    if listener is None:
        return Answer.error(401, "Valid user authentication required")
    if asked == "me":
        return Answer.of(200, objects.profile(world, listener, token.scopes))
    if asked == "me/player":
        return playback_state(request, listener, token)
    if RECENTLY_PLAYED not in token.scopes:
        return Answer.error(401, "Permissions missing")
    return recently_played(world, request, listener)


def playback_state(request: Request, listener: Listener, token: AccessToken) -> Answer:
    """What the listener's player shows. Episodes are shown only to those who ask for them."""
    if PLAYBACK_STATE not in token.scopes:
        return Answer.error(401, "Permissions missing")
    status, body = listener.player(request.at)
    if status == 204:
        return Answer(204)
    wanted = request.query.get("additional_types", "track").split(",")
    if body["currently_playing_type"] == "episode" and "episode" not in wanted:
        body = {**body, "item": None}
    return Answer.of(status, body)


def _catalogue(world: World, request: Request, kind: str, id: str | None) -> Answer:
    if id is not None:
        if not BASE62_ID.fullmatch(id):
            return Answer.error(400, "Invalid base62 id")
        found = _found(world, kind, id)
        return Answer.error(404) if found is None else Answer.of(200, found)
    if not world.app.batch_allowed:
        return Answer.error(403)
    ids = [one for one in request.query.get("ids", "").split(",") if one]
    if not ids:
        return Answer.error(400, "Missing required field: ids")
    if len(ids) > BATCH_LIMITS[kind]:
        return Answer.error(400, "Too many ids requested")
    if not all(BASE62_ID.fullmatch(one) for one in ids):
        return Answer.error(400, "Invalid base62 id")
    return Answer.of(200, {kind: [_found(world, kind, one) for one in ids]})


def _found(world: World, kind: str, id: str) -> objects.Object | None:
    shelves: Mapping[str, tuple[Mapping[str, Any], Callable[[World, Any], objects.Object]]] = {
        "tracks": (world.catalogue.tracks, objects.full_track),
        "artists": (world.catalogue.artists, objects.full_artist),
        "albums": (world.catalogue.albums, objects.full_album),
        "episodes": (world.catalogue.episodes, objects.full_episode),
        "shows": (world.catalogue.shows, objects.simple_show),
    }
    shelf, shown = shelves[kind]
    return shown(world, shelf[id]) if id in shelf else None
