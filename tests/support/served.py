"""The web application as it is served: in a process of its own, on a free port, beside the simulated Spotify."""

import http.cookiejar
import socket
import time
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests

from support.cli_process import Program


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@dataclass
class Served:
    """`brapped serve`, ready to be asked."""

    url: str
    program: Program

    def visitor(self) -> "Browser":
        return Browser(self.url)


@dataclass
class Browser:
    """Requests as a browser sends them: with cookies, and with Sec-Fetch-Site."""

    url: str
    session: requests.Session = field(default_factory=requests.Session)

    def get(self, path: str, **options: Any) -> requests.Response:
        headers = {"Sec-Fetch-Site": "none", **options.pop("headers", {})}
        return self.session.get(self.url + path, headers=headers, timeout=30, allow_redirects=False, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        headers = {"Sec-Fetch-Site": "same-origin", **options.pop("headers", {})}
        return self.session.post(self.url + path, headers=headers, timeout=60, allow_redirects=False, **options)

    def log_in(self, account_id: str, invitation: str | None = None) -> requests.Response:
        """Through Spotify's page, agreeing as this account; the answer to the callback."""
        asked = self.get("/login", params={"invitation": invitation} if invitation else None)
        assert asked.status_code == 303, asked.text
        return self.get(self.agreed(asked.headers["Location"], account_id))

    def agreed(self, address: str, account_id: str) -> str:
        """Path and query of the callback, after agreeing on Spotify's page at this address."""
        parts = urllib.parse.urlsplit(address)
        form = dict(urllib.parse.parse_qsl(parts.query)) | {"as": account_id}
        sent = requests.post(f"{parts.scheme}://{parts.netloc}/authorize", data=form, timeout=30, allow_redirects=False)
        back = sent.headers["Location"]
        assert back.startswith(self.url + "/callback"), back
        return back.removeprefix(self.url)


def serving(start: Callable[..., Program], **changes: str) -> Served:
    """Start `brapped serve` and wait until it answers."""
    port = free_port()
    program = start("serve", "--port", str(port), **changes)
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 60
    while True:
        try:
            if requests.get(f"{url}/health", timeout=5).ok:
                return Served(url, program)
        except requests.ConnectionError:
            pass
        if program.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(program.communicate()[1])
        time.sleep(0.05)


def cookies_of(browser: Browser) -> dict[str, http.cookiejar.Cookie]:
    return {one.name: one for one in browser.session.cookies}
