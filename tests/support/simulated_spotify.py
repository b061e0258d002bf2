"""A small world of the simulated Spotify, and short ways to ask it: for the tests that try its rules."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from etl.simulator.catalogue import Album, Artist, Catalogue, Episode, Show, Track
from etl.simulator.routes import Answer, Grant, Listener, Play, Request, World, answer
from etl.simulator.tokens import AccessToken, seal
from etl.simulator.world import RECENTLY_PLAYED

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CONSENT = datetime(2026, 8, 31, 9, tzinfo=UTC)
SONG, ENCORE, SINGER, RECORD, TALK, PODCAST = (letter * 22 for letter in "SERLTP")
CATALOGUE = Catalogue(
    artists={SINGER: Artist(SINGER, "The Singer", ("slow disco",))},
    albums={RECORD: Album(RECORD, "The Record", (SINGER,), (SONG, ENCORE))},
    tracks={
        SONG: Track(SONG, "The Song", RECORD, (SINGER,), 200_000, isrc="ZZDEM2600001"),
        ENCORE: Track(ENCORE, "Encore", RECORD, (SINGER,), 100_000, 2),
    },
    shows={PODCAST: Show(PODCAST, "Talking", "Somebody", "About this.", (TALK,))},
    episodes={TALK: Episode(TALK, "One", PODCAST, "And that.", 1_800_000, "2026-01-01")},
)
ADA = Listener("account-ada", "ada", "Ada")
PLAYED = "/v1/me/player/recently-played"


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def world(*plays: Play, **changes: Any) -> World:
    listener = replace(ADA, plays=plays)
    plain = World(catalogue=CATALOGUE, listeners=(listener,), refresh_tokens={"AQ-ada": Grant(ADA.account_id, CONSENT)})
    return replace(plain, **changes)


def token_for(
    world: World, account_id: str | None = ADA.account_id, *scopes: str, until: datetime | None = None
) -> Mapping[str, str]:
    granted = frozenset(scopes or {RECENTLY_PLAYED})
    token = seal(world, AccessToken(account_id, granted, until or NOW + timedelta(days=30)))
    return {"authorization": f"Bearer {token}"}


def step(world: World, path: str, at: datetime = NOW, /, **query: str) -> tuple[Answer, World]:
    return answer(world, Request("GET", path, at, query, token_for(world)))


def get(world: World, path: str, at: datetime = NOW, /, **query: str) -> Answer:
    return step(world, path, at, **query)[0]


def dates_of(page: Answer) -> list[str]:
    """The dates of the plays on a page of recently played, in its order."""
    return [item["played_at"] for item in page.json()["items"]]


def refusal(given: Answer) -> tuple[int, str]:
    return given.status, given.json()["error"]["message"]


def exchange(world: World, at: datetime = NOW, client: str | None = None, **form: str) -> tuple[Answer, World]:
    pair = f"{world.app.client_id}:{world.app.client_secret}" if client is None else client
    basic = {"authorization": "Basic " + base64.b64encode(pair.encode()).decode()}
    return answer(world, Request("POST", "/api/token", at, {}, basic, form))


def refresh(world: World, token: str = "AQ-ada", at: datetime = NOW) -> tuple[Answer, World]:
    return exchange(world, at, grant_type="refresh_token", refresh_token=token)
