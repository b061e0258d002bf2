"""The page that a browser is led back to after a login: a server on 127.0.0.1 that lives until somebody has come back."""

import errno
import logging
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from etl.auth.oauth import LoginError, redirect_uri
from etl.paths import TEMPLATES

log = logging.getLogger(__name__)

TIMEOUT_S = 300  # to log in, with a password to look up; the code itself lives ten minutes
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",  # the address has the code in it
    "Cache-Control": "no-store",
}

Respond = Callable[[str], tuple[str, str]]


class CallbackServer:
    """A context manager that holds the port; `redirect_uri` is where it waits. Raises LoginError when the port is taken."""

    def __init__(self, port: int) -> None:
        """`port` 0: any that is free."""
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            is_taken = error.errno == errno.EADDRINUSE
        else:
            self.redirect_uri = redirect_uri(self._server.server_port)
            return
        raise LoginError(
            f"Port {port} {'is used by another program' if is_taken else 'is closed to you'}. Stop that one, or give another"
            " with --port: one that Spotify's dashboard has in a redirect URI; or --port 0, for any, if a redirect URI there"
            " is http://127.0.0.1/callback, without a port."
        )

    def __enter__(self) -> "CallbackServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def wait(self, is_ours: Callable[[str], bool], answered: Respond, timeout_s: float = TIMEOUT_S) -> None:
        """Waits for the browser to come back and shows it what `answered` makes of the address: a title and a sentence.

        Addresses that are not `is_ours` are turned away and waited on. What `answered` raises is shown, and raised.
        Raises LoginError when nobody comes in time.
        """
        self._server.is_ours, self._server.answered = is_ours, answered
        deadline = time.monotonic() + timeout_s
        while not self._server.is_done:
            if time.monotonic() > deadline:
                with self._server.guard:  # an answer that is being worked on is waited for
                    if self._server.is_done:
                        break
                    self._server.is_done = True
                raise LoginError(
                    f"Nobody came back from Spotify within {timeout_s / 60:.0f} minutes. Nothing was changed; begin again."
                )
            self._server.handle_request()
        if self._server.failure:
            raise self._server.failure


class _Server(ThreadingHTTPServer):  # browsers open connections in advance, and would hold the only thread up with them
    is_ours: Callable[[str], bool]
    answered: Respond
    is_done = False
    failure: Exception | None = None
    timeout = 0.2  # seconds between two looks whether it is done
    allow_reuse_address = sys.platform != "win32"  # where it would share a port that somebody else has
    block_on_close = False  # for those connections

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.guard = threading.Lock()  # one answer only

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks, or says something odd, is not the login's: no traceback among the program's lines."""
        log.debug("A connection to the login page ended with %s", type(sys.exception()).__name__)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10  # of a connection that says nothing: browsers open some in advance

    def do_GET(self) -> None:
        if not is_callback(self.path) or not self.server.is_ours(self.path):
            self._show(404, "Not this page", "Nothing is waiting for this address. Go back to the page of Spotify.")
            return
        with self.server.guard:
            if self.server.is_done:
                self._show(404, "This page serves once", "What became of the login stands in the terminal.")
                return
            try:
                status, (title, text) = 200, self.server.answered(self.path)
            except Exception as error:
                self.server.failure = error
                is_told = type(error).__module__.startswith("etl.")
                text = str(error) if is_told else "The terminal says what went wrong."
                status, title = 400, "Not logged in"
            try:
                with suppress(OSError):  # a browser that is gone has missed the page, not the login
                    self._show(status, title, text)
            finally:
                self.server.is_done = True

    def _show(self, status: int, title: str, text: str) -> None:
        templates = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined)
        page = templates.get_template("login.html").render(title=title, text=text, is_good=status == 200).encode()
        self.send_response(status)
        for name, value in {**HEADERS, "Content-Length": str(len(page))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:
        """Quiet: the line of the request has the code in it."""


def is_callback(address: str) -> bool:
    try:
        return urlsplit(address).path == "/callback"
    except ValueError:  # no address at all, as http://[::1
        return False
