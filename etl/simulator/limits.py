"""The limits of the simulated Spotify: two kinds of 429 and two kinds of 403. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from etl.simulator.tokens import AccessToken
from etl.simulator.world import USUAL_MESSAGES, Answer, World

RATE_SPAN = timedelta(seconds=30)
QUOTA_SPAN = timedelta(hours=24)


def count_call(world: World, at: datetime, is_catalogue: bool) -> tuple[Answer | None, World]:
    """Count a call: returns a 429 if it is one too many, else None, and the world after it.

    The rate limits all calls in 30 seconds. The quota limits catalogue calls in 24 hours, and exceeding it locks
    the catalogue for hours. A refused call is not counted.
    """
    refusal, world = _count_rate(world, at)
    if refusal is None and is_catalogue:
        refusal, world = _count_quota(world, at)
    if refusal is None and world.rate is not None:
        world = replace(world, recent_calls=(*world.recent_calls, at))
    return refusal, world


def _count_rate(world: World, at: datetime) -> tuple[Answer | None, World]:
    rate = world.rate
    if rate is None:
        return None, world
    recent = tuple(call for call in world.recent_calls if call > at - RATE_SPAN)
    world = replace(world, recent_calls=recent)
    if len(recent) < rate:
        return None, world
    free_at = (recent[-rate] if rate else at) + RATE_SPAN
    return _too_many(free_at - at), world


def _count_quota(world: World, at: datetime) -> tuple[Answer | None, World]:
    if world.locked_until is not None and at < world.locked_until:
        return _too_many(world.locked_until - at, "QUOTA_EXCEEDED"), world
    if world.quota is None:
        return None, world
    spent = tuple(call for call in world.catalogue_calls if call > at - QUOTA_SPAN)
    if len(spent) < world.quota:
        return None, replace(world, catalogue_calls=(*spent, at))
    locked = replace(world, catalogue_calls=spent, locked_until=at + world.quota_lock)
    return _too_many(world.quota_lock, "QUOTA_EXCEEDED"), locked


def _too_many(wait: timedelta, reason: str | None = None) -> Answer:
    error: dict[str, Any] = {"status": 429, "message": USUAL_MESSAGES[429]}
    if reason:
        error["reason"] = reason
    seconds = max(1, -(-wait // timedelta(seconds=1)))
    return Answer.of(429, {"error": error}, {"Retry-After": str(seconds)})


def forbidden(world: World, token: AccessToken) -> Answer | None:
    """The 403 for an app whose owner has no Premium, or a listener not registered in its dashboard; None otherwise."""
    if not world.app.premium:
        return Answer.error(403, "Active premium subscription required for the owner of the app")
    registered = world.app.registered
    if registered is None or token.account_id is None or token.account_id in registered:
        return None
    # plain text, as Spotify sends it here
    plain = {"Content-Type": "text/plain; charset=utf-8"}
    return Answer(403, plain, b"User not registered in the Developer Dashboard")
