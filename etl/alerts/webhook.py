"""Send messages to a webhook, in the format of its host. Standard library only, like the rest of `etl.alerts`."""

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
    """The request did not succeed. The message gives the reason in a line, without the address, which is a secret."""


def send(url: str, title: str, text: str) -> None:
    """Post a message to a webhook. Raises NotSent.

    Discord and Slack are recognised by their hosts, or by `discord+https://…` and `slack+https://…`. Any other host
    gets what ntfy expects: the plain text, with the title in a header.
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
    request(address, body, headers)


def request(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> None:
    """Send one request, POST with a body and GET without, and ignore the body of the answer. Raises NotSent.

    `user:password@` in the address becomes basic authentication. Redirects are followed only as `redirected` allows,
    so that no other host learns the password or the message.
    """
    if not url.startswith(("https://", "http://")):
        raise NotSent("its address has to begin with https://")
    try:
        within(limits.NOTICE_S, lambda: follow(url, body, headers or {}))
    except CallTimeout:
        raise NotSent(f"it took longer than {limits.NOTICE_S:g} s") from None


def follow(url: str, body: bytes | None, headers: Mapping[str, str]) -> None:
    """Send the request and follow its redirects, at most limits.REDIRECTS. Raises NotSent."""
    start, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    whose, at, host = authority.rpartition("@")
    given = {"Authorization": f"Basic {base64.b64encode(unquote(whose).encode()).decode()}"} if at else {}
    address = f"{start}://{host}{slash}{path}"
    for _ in range(1 + limits.REDIRECTS):
        try:
            attempt = urllib.request.Request(address, body, {"User-Agent": "brapped", **given, **headers})  # noqa: S310
            with urllib.request.build_opener(NoRedirects).open(attempt, timeout=limits.NOTICE_SILENCE_S):
                return
        except urllib.error.HTTPError as error:
            status, location = error.code, error.headers.get("Location")
            error.close()
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise NotSent(type(error).__name__) from None
        address = redirected(address, status, location, is_post=body is not None)
    raise NotSent(f"status {status}: it redirects more than {limits.REDIRECTS} times")


class NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect. The library's own handler takes the password to any host, and turns a POST into a GET."""

    def http_error_302(self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message) -> None:
        """Leave the answer to the caller, as an HTTPError."""

    http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302


def redirected(address: str, status: int, location: str | None, is_post: bool) -> str:
    """The address that a redirect leads to. Raises NotSent when it must not be followed, or is none.

    Allowed are the same origin, and http to https on the same host; for a posted message only statuses that keep its
    body (307, 308).
    """
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
            f"status {status}: it redirects to another host, which gets no message; set the address that it leads to"
        )
    if is_post and status not in (307, 308):
        raise NotSent(f"status {status}: it redirects, and the message would be lost; set the address that it leads to")
    return after._replace(netloc=after.netloc.rpartition("@")[2]).geturl()


def origin(address: SplitResult) -> tuple[str, str | None, int | None]:
    """Scheme, host and port. Raises ValueError for an invalid port."""
    return address.scheme, address.hostname, address.port or PORTS.get(address.scheme)


def is_upgrade(before: SplitResult, after: SplitResult) -> bool:
    return origin(before) == ("http", after.hostname, 80) and origin(after) == ("https", before.hostname, 443)
