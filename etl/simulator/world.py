"""The state of the simulated Spotify, its requests and its answers. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from etl.simulator.catalogue import Catalogue

Fate = Literal["whole", "truncated", "reset", "silent"]
Shape = Literal["2026", "full"]

RECENTLY_PLAYED = "user-read-recently-played"
PLAYBACK_STATE = "user-read-playback-state"
PRIVATE_PROFILE = "user-read-private"
EMAIL = "user-read-email"

# The keys that new apps stopped getting in 2026. Absent is not empty: there is no key at all.
OMITTED_FIELDS: Mapping[Shape, frozenset[str]] = {
    "full": frozenset(),
    "2026": frozenset(
        {"available_markets", "explicit_content", "followers", "label", "popularity"} | {"country", "email", "product"}
    ),
}

USUAL_MESSAGES = {
    401: "Invalid access token",
    403: "Forbidden",
    404: "Resource not found",
    429: "API rate limit exceeded",
    500: "Internal server error",
    502: "Bad gateway.",
    503: "Service unavailable",
    504: "Gateway timeout",
}


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header names are lower case; `at` is when it arrives, aware and UTC."""

    method: str
    path: str
    at: datetime
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    form: Mapping[str, str] = field(default_factory=dict, repr=False)
    pairs: tuple[tuple[str, str], ...] = ()  # the query with names that occur more than once


@dataclass(frozen=True)
class Answer:
    """An HTTP response, and what happens to it on the way.

    whole: it arrives. truncated: Content-Length promises more than comes, then the connection closes.
    reset: the connection is reset without an answer. silent: nothing ever comes.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    fate: Fate = "whole"

    @classmethod
    def of(cls, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return cls(status, {"Content-Type": "application/json; charset=utf-8", **(headers or {})}, text.encode())

    @classmethod
    def error(cls, status: int, message: str | None = None) -> Answer:
        """An error of any endpoint but the token endpoint, whose errors are flat."""
        message = message or USUAL_MESSAGES.get(status, "Unexpected")
        return cls.of(status, {"error": {"status": status, "message": message}})

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Play:
    """One play, as Spotify will report it.

    `played_at` is its end. It is reported from `arrives_at` on, because a phone that was offline syncs late (None: at
    once). Its context is null in answers before `context_from`. `redated`: from each of these times on, `played_at`
    is reported shifted by that much from the original; the last time reached counts. `item` is reported verbatim in
    place of the track (a local file, an episode). Neither `track_id` nor `item`: the track is null.
    """

    track_id: str | None
    played_at: datetime
    arrives_at: datetime | None = None
    context_uri: str | None = None
    context_from: datetime | None = None
    redated: tuple[tuple[datetime, timedelta], ...] = ()
    item: Mapping[str, Any] | None = None

    def reported_at(self, at: datetime) -> datetime:
        """The `played_at` that an answer given at that time reports."""
        shifts = [shift for since, shift in sorted(self.redated) if since <= at]
        return self.played_at + shifts[-1] if shifts else self.played_at

    def has_arrived(self, at: datetime) -> bool:
        return (self.arrives_at or self.played_at) <= at


def nothing_plays(at: datetime) -> tuple[int, Any]:
    """The answer of a player that is not in use."""
    return 204, None


@dataclass(frozen=True)
class Listener:
    """Somebody with an account. `account_id` never changes; `user_id`, the `id` of /v1/me, may."""

    account_id: str
    user_id: str
    display_name: str
    plays: tuple[Play, ...] = field(default=(), repr=False)
    player: Callable[[datetime], tuple[int, Any]] = field(
        default=nothing_plays, repr=False
    )  # status and body at a moment
    premium: bool = True
    country: str = "DE"
    email: str = "listener@example.org"


@dataclass(frozen=True)
class App:
    """A client id of the developer dashboard, and what Spotify lets it do.

    `batch_allowed`: client ids made before 11 February 2026 still get `?ids=`. `premium`: the owner has Premium.
    `registered`: the account ids entered in the dashboard; None: everybody. `redirect_uris`: where a login may redirect
    to, as entered there; `http://127.0.0.1/…` without a port fits every port.
    """

    client_id: str = "00000000000000000000000000000de3"
    client_secret: str = field(default="5ec2e700000000000000000000000de3", repr=False)
    batch_allowed: bool = False
    premium: bool = True
    registered: frozenset[str] | None = None
    redirect_uris: frozenset[str] = frozenset({"http://127.0.0.1:8888/callback"})


@dataclass(frozen=True)
class Grant:
    """What a listener consented to, and what a refresh token stands for. It expires six months after consent."""

    account_id: str
    consent_at: datetime
    scopes: frozenset[str] = frozenset({RECENTLY_PLAYED, PLAYBACK_STATE})
    is_revoked: bool = False


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong `times` times, after `skip` matching requests succeeded.

    `path` is an fnmatch pattern of the path. With a `status` the answer is this one (`body` None: the usual
    error body of that status) and Spotify does nothing; without one the true answer is given and has its
    effect, but meets this `fate`. Of several faults for one path the first unspent one decides, so that
    they read as a script.
    """

    path: str
    times: int = 1
    skip: int = 0
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    fate: Fate = "whole"


@dataclass(frozen=True)
class World:
    """The whole state of the simulated Spotify.

    `quota`: catalogue calls in any 24 hours before a lock of `quota_lock`. `rate`: calls in any 30 seconds.
    None is no limit, and nothing is counted. `absent`: further keys to leave out of every object, beyond
    what `shape` leaves out. `short_before`: so many items are missing at the old end of a page asked with
    `before`, although they exist.
    """

    app: App = field(default_factory=App)
    catalogue: Catalogue = field(default_factory=Catalogue, repr=False)
    listeners: tuple[Listener, ...] = ()
    refresh_tokens: Mapping[str, Grant] = field(default_factory=dict, repr=False)
    rotate_refresh_tokens: bool = False
    access_token_life: timedelta = timedelta(hours=1)
    quota: int | None = None
    quota_lock: timedelta = timedelta(hours=22)  # Retry-After of 44,000 to 86,000 s was seen
    rate: int | None = None
    shape: Shape = "2026"
    absent: frozenset[str] = frozenset()
    short_before: int = 0
    faults: tuple[Fault, ...] = ()
    # what has happened so far
    recent_calls: tuple[datetime, ...] = field(default=(), repr=False)
    catalogue_calls: tuple[datetime, ...] = field(default=(), repr=False)
    codes: Mapping[str, Any] = field(default_factory=dict, repr=False)  # each with the Code it stands for
    locked_until: datetime | None = None

    @property
    def omitted_fields(self) -> frozenset[str]:
        """The fields that no object of this world has: those that the shape of the API lacks, and `absent`."""
        return OMITTED_FIELDS[self.shape] | self.absent

    def listener(self, account_id: str | None) -> Listener | None:
        return next((one for one in self.listeners if one.account_id == account_id), None)

    def with_plays(self, account_id: str, *plays: Play) -> World:
        """The same world with more plays of that listener."""
        listeners = [
            replace(one, plays=one.plays + plays) if one.account_id == account_id else one for one in self.listeners
        ]
        return replace(self, listeners=tuple(listeners))


def world_of(catalogue: Catalogue, listener: Listener, refresh_token: str, consent_at: datetime) -> World:
    """A world of one listener who has consented; `dataclasses.replace` makes it another."""
    grant = Grant(listener.account_id, consent_at)
    return World(catalogue=catalogue, listeners=(listener,), refresh_tokens={refresh_token: grant})
