"""Telling a webhook, in the words of whoever is behind it. Standard library only, as `etl.alerts.incidents`, which is run without ours."""

import base64
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message
from typing import IO
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from etl import limits
from etl.deadline import CallTimeout, within

PORTS = {"http": 80, "https": 443}


class NotSent(Exception):
    """Nobody took it. The message says why, in a line, without the address: that is a secret."""


def send(url: str, title: str, text: str) -> None:
    """Tells a webhook. Discord and Slack are known by their hosts; to any other it is said as ntfy takes it: the text as it
    is, with a title. `discord+https://…` and `slack+https://…` say it where the host does not. Raises NotSent.
    """
    kind, address = url.split("+", 1) if "+" in url.partition("://")[0] else ("", url)
    try:
        host = urlsplit(address).hostname or ""
    except ValueError:
        raise NotSent("its address can't be read") from None
    if kind == "discord" or host in ("discord.com", "discordapp.com"):
        body, headers = (
            json.dumps({"content": f"**{title}**\n{text}"[: limits.DISCORD_LENGTH]}).encode(),
            {"Content-Type": "application/json"},
        )
    elif kind == "slack" or host == "hooks.slack.com":
        body, headers = json.dumps({"text": f"*{title}*\n{text}"}).encode(), {"Content-Type": "application/json"}
    else:
        body = text.encode()
        headers = {"Content-Type": "text/plain; charset=utf-8", "Title": title.encode("ascii", "replace").decode()}
    get(address, body, headers)


def get(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> None:
    """One request, whose answer nobody reads; `user:password@` in the address goes as basic authentication. Raises NotSent,
    which does not repeat the address: it is a secret.

    Redirects are followed only as `redirected` allows, so that no other host learns the password or the message.
    """
    if not url.startswith(("https://", "http://")):
        raise NotSent("its address has to begin with https://")
    try:
        within(limits.NOTICE_S, lambda: ask(url, body, headers or {}))
    except CallTimeout:
        raise NotSent(f"it took longer than {limits.NOTICE_S:g} s") from None


def ask(url: str, body: bytes | None, headers: Mapping[str, str]) -> None:
    """The request, and those that it is redirected to. Raises NotSent."""
    start, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    whose, at, host = authority.rpartition("@")
    given = {"Authorization": f"Basic {base64.b64encode(unquote(whose).encode()).decode()}"} if at else {}
    address = f"{start}://{host}{slash}{path}"
    for _ in range(1 + limits.REDIRECTS):
        try:
            request = urllib.request.Request(address, body, {"User-Agent": "brapped", **given, **headers})  # noqa: S310
            with urllib.request.build_opener(NoRedirects).open(request, timeout=limits.NOTICE_SILENCE_S):
                return
        except urllib.error.HTTPError as error:
            status, location = error.code, error.headers.get("Location")
            error.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NotSent(type(error).__name__) from None
        address = redirected(address, status, location, is_post=body is not None)
    raise NotSent(f"status {status}: it redirects in a circle")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows none by itself: that of the library takes the password to any host, and makes a GET without words of a POST."""

    def http_error_302(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message) -> None:
        """Leaves the answer to whoever asked, as an HTTPError."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def redirected(address: str, status: int, location: str | None, is_post: bool) -> str:
    """Where an answer that is no success leads to: within the same origin, or from http to https on the same host. A message
    that is posted goes on only where the status promises that it arrives whole (307, 308). Raises NotSent."""
    if status not in (301, 302, 303, 307, 308) or not location:
        raise NotSent(f"status {status}")
    try:
        target = urljoin(address, location)
        before, after = urlsplit(address), urlsplit(target)
        is_ours = origin(after) == origin(before) or is_upgrade(before, after)
    except ValueError:
        is_ours = False
    if not is_ours:
        raise NotSent(
            f"status {status}: it redirects to another host, which is not told; set the address that takes messages"
        )
    if is_post and status not in (307, 308):
        raise NotSent(
            f"status {status}: it redirects, and the message would be lost; set the address that takes messages"
        )
    return after._replace(netloc=after.netloc.rpartition("@")[2]).geturl()


def origin(address: SplitResult) -> tuple[str, str | None, int | None]:
    """Scheme, host and port. Raises ValueError for a port that is none."""
    return address.scheme, address.hostname, address.port or PORTS.get(address.scheme)


def is_upgrade(before: SplitResult, after: SplitResult) -> bool:
    return origin(before) == ("http", after.hostname, 80) and origin(after) == ("https", before.hostname, 443)
