"""Telling a webhook, in the words of whoever is behind it. Standard library only, as `etl.alerts`, which is run without ours."""

import base64
import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

TIMEOUT_S = 20


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
            json.dumps({"content": f"**{title}**\n{text}"[:2000]}).encode(),
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
    which does not repeat the address: it is a secret."""
    if not url.startswith(("https://", "http://")):
        raise NotSent("its address has to begin with https://")
    start, _, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    whose, at, host = authority.rpartition("@")
    given = {"Authorization": f"Basic {base64.b64encode(unquote(whose).encode()).decode()}"} if at else {}
    try:
        request = urllib.request.Request(  # noqa: S310
            f"{start}://{host}{slash}{path}", body, {"User-Agent": "brapped", **given, **(headers or {})}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310
            return
    except urllib.error.HTTPError as error:
        reason = f"status {error.code}"
        error.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = type(error).__name__
    raise NotSent(reason)
