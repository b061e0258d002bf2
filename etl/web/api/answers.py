"""What every answer of the API goes through: ETag and If-None-Match, HEAD, and faults of the program."""

import hashlib
import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from etl.web.api.problems import problem
from etl.web.security import TooLarge

log = logging.getLogger(__name__)

READ = ("GET", "HEAD")


class Answers:
    """Holds an answer back until it is whole, and then sends it, or 304 where the asker has it already.

    An ETag is of the body, and strong. HEAD is GET without the body. Answers are for the asker alone, and to be asked
    about again each time: `private, no-cache`.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        asked = scope["method"]
        started: Message | None = None
        pieces: list[bytes] = []

        async def kept(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = message
            elif message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))

        try:
            await self.app({**scope, "method": "GET"} if asked == "HEAD" else scope, receive, kept)
        except TooLarge:
            raise
        except Exception as error:
            # Its kind, not its text, which may hold a title.
            log.error("The API failed with %s", type(error).__name__)
            started, pieces = None, []
            failed = problem(500, "The log of the server says what. Nothing was lost.")
            await failed({**scope, "method": "GET"}, receive, kept)
        assert started is not None, "an answer without a start"
        body = b"".join(pieces)
        headers = MutableHeaders(scope=started)
        headers["Vary"] = "Authorization, Cookie"
        headers.setdefault("Cache-Control", "private, no-cache")
        if asked in READ and started["status"] == 200:
            etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            headers["ETag"] = etag
            if is_known(Headers(scope=scope).get("if-none-match", ""), etag):
                started["status"] = 304
                body = b""
                for name in ("content-length", "content-type"):
                    del headers[name]
        await send(started)
        await send({"type": "http.response.body", "body": b"" if asked == "HEAD" else body})
        return None


def is_known(if_none_match: str, etag: str) -> bool:
    """Whether the asker has the body with this ETag, by the header If-None-Match. Compared weakly, as it has to be."""
    told = [one.strip().removeprefix("W/") for one in if_none_match.split(",")]
    return if_none_match.strip() == "*" or etag in told
