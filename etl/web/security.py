"""What every request passes: security headers, own origin for changes, sizes of bodies, rates of requests.

Each is a plain ASGI middleware. No address of a visitor is stored: rates are counted in memory, under a keyed hash that
the next start forgets.
"""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from etl.reports.formats.html import COVERS

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LARGEST_BODY = 64 * 1024  # bytes of a form or of the API
LARGEST_UPLOAD = 512 * 1024 * 1024  # of an export: the largest seen has some 60 MB, zipped
UPLOADS = "/data/import"
COVER_HOSTS = " ".join(f"https://*.{host}" for host in COVERS)
POLICY = (
    f"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' {COVER_HOSTS}; connect-src 'self';"
    " manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
YEAR_S = 365 * 86_400


API = "/api/"


def refusal(scope: Scope, sentence: str, status: int, headers: dict[str, str] | None = None) -> Response:
    """A refusal as text; of the API as a problem of RFC 9457, as all of its refusals are."""
    if not scope["path"].startswith(API):
        return PlainTextResponse(sentence, status, headers)
    title = HTTPStatus(status).phrase
    told = {"type": "about:blank", "title": title, "status": status, "detail": sentence}
    return JSONResponse(told, status, headers, media_type="application/problem+json")


class SecurityHeaders:
    """Adds the headers to every answer; `Cache-Control: no-store` where the answer says nothing about caches."""

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self.app = app
        self.headers = dict(HEADERS)
        if is_https:
            self.headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self.app(scope, receive, sent if scope["type"] == "http" else send)


class OwnOriginOnly:
    """Refuses a change that another site's page asks for: cross-site request forgery.

    Browsers say where a request comes from, in Sec-Fetch-Site or else in Origin; a request that says neither is no
    browser's. Those to the API pass: it changes something only for a key, which no browser sends by itself.
    """

    def __init__(self, app: ASGIApp, *, origin: str) -> None:
        self.app = app
        self.origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The API changes nothing for a cookie, only for a key.
        is_guarded = scope["type"] == "http" and not scope["path"].startswith(API)
        if is_guarded and scope["method"] not in SAFE_METHODS:
            headers = Headers(scope=scope)
            if not self.is_ours(headers):
                sentence = "This request comes from another site, so nothing was changed."
                return await refusal(scope, sentence, 403)(scope, receive, send)
        return await self.app(scope, receive, send)

    def is_ours(self, headers: Headers) -> bool:
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site in ("same-origin", "none")
        return headers.get("origin") == self.origin


class BodyLimit:
    """Refuses bodies that are too large, by their Content-Length or once too much has arrived."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        largest = LARGEST_UPLOAD if scope["path"] == UPLOADS else LARGEST_BODY
        refused = refusal(scope, f"This is more than the {largest:,} bytes that are taken here.", 413)
        length = Headers(scope=scope).get("content-length", "0")
        is_number = length.isascii() and length.isdecimal() and len(length) < 20
        if not is_number or int(length) > largest:
            return await refused(scope, receive, send)
        received = 0
        is_started = False

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > largest:
                raise TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal is_started
            if received > largest and not is_started:
                return  # what is said about half a body; the refusal follows
            is_started = True
            await send(message)

        try:
            await self.app(scope, limited, noted)
        except TooLarge:
            if is_started:
                raise
        if received > largest and not is_started:
            await refused(scope, receive, send)
        return None


class TooLarge(Exception):
    """More of a body has arrived than is taken."""


@dataclass
class Bucket:
    """Requests that may still be made, and when that was counted."""

    left: float
    counted_s: float


@dataclass
class Rates:
    """At most `count` requests in `span_s` seconds, for each of many; the least recently seen are forgotten."""

    count: int
    span_s: float
    most: int = 10_000
    _buckets: OrderedDict[bytes, Bucket] = field(default_factory=OrderedDict, repr=False)
    _salt: bytes = field(default_factory=lambda: secrets.token_bytes(16), repr=False)

    def wait_s(self, who: str) -> float:
        """Count a request; 0 if it may be made, otherwise the seconds to wait."""
        key = hashlib.blake2b(who.encode("utf-8", "replace"), key=self._salt, digest_size=16).digest()
        now_s = time.monotonic()
        bucket = self._buckets.pop(key, None) or Bucket(self.count, now_s)
        bucket.left = min(self.count, bucket.left + (now_s - bucket.counted_s) * self.count / self.span_s)
        bucket.counted_s = now_s
        self._buckets[key] = bucket
        if len(self._buckets) > self.most:
            self._buckets.popitem(last=False)
        if bucket.left < 1:
            return (1 - bucket.left) * self.span_s / self.count
        bucket.left -= 1
        return 0


class RateLimit:
    """Slows down who asks too often: logins and invitations far earlier than pages."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.rates = {"/login": Rates(10, 60), "/callback": Rates(20, 60), "/invitation": Rates(10, 60)}
        self.shared = Rates(120, 60)  # links that are shared, by whoever guesses
        self.others = Rates(600, 60)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = scope["path"]
            rates = self.rates.get(
                "/" + path.split("/")[1], self.shared if path.startswith("/shared/") else self.others
            )
            client = scope.get("client")
            if wait_s := rates.wait_s(client[0] if client else "nobody"):
                headers = {"Retry-After": str(int(wait_s) + 1)}
                refused = refusal(scope, "Too many requests. Wait a minute, and go on.", 429, headers)
                return await refused(scope, receive, send)
        return await self.app(scope, receive, send)


def origin_of(url: str) -> str:
    """The origin of an address, as browsers write it. Pure."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
