"""The page that the browser is redirected to after a login: an HTTP server on 127.0.0.1 that answers one callback."""

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

TIMEOUT_S = 300  # enough to look up a password and log in; the code itself is valid for ten minutes
HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",  # the address contains the code
    "Cache-Control": "no-store",
}

Respond = Callable[[str], tuple[str, str]]


class CallbackServer:
    """A context manager that holds the port. `redirect_uri` is the address to be redirected to.

    `port` 0 takes any free port. Raises LoginError when the port is taken or forbidden.
    """

    def __init__(self, port: int) -> None:
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            is_taken = error.errno == errno.EADDRINUSE
        else:
            self.redirect_uri = redirect_uri(self._server.server_port)
            return
        reason = "is used by another program" if is_taken else "is not open to this user"
        raise LoginError(
            f"Port {port} {reason}. Stop that program, or choose another port with --port: one that a redirect URI in"
            " Spotify's dashboard has, or --port 0 for any port, if a redirect URI there is http://127.0.0.1/callback,"
            " without a port."
        )

    def __enter__(self) -> "CallbackServer":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    def wait(self, is_ours: Callable[[str], bool], respond: Respond, timeout_s: float = TIMEOUT_S) -> None:
        """Wait for the callback and show the browser what `respond` returns for its address: a title and a sentence.

        Requests for which `is_ours` is false get a 404, and the wait goes on. What `respond` raises is shown to the
        browser and raised here. Raises LoginError after `timeout_s` seconds without a callback.
        """
        self._server.is_ours, self._server.respond = is_ours, respond
        deadline = time.monotonic() + timeout_s
        while not self._server.is_done:
            if time.monotonic() > deadline:
                with self._server.guard:  # wait for a callback that is being handled
                    if self._server.is_done:
                        break
                    self._server.is_done = True
                raise LoginError(
                    f"The browser did not come back from Spotify within {timeout_s / 60:.0f} minutes."
                    " Nothing was changed. Start the login again."
                )
            self._server.handle_request()
        if self._server.failure:
            raise self._server.failure


class _Server(ThreadingHTTPServer):  # threads, because browsers open spare connections that would block a single one
    is_ours: Callable[[str], bool]
    respond: Respond
    is_done = False
    failure: Exception | None = None
    timeout = 0.2  # seconds between two checks of is_done
    allow_reuse_address = sys.platform != "win32"  # Windows would share a port that another program has
    block_on_close = False  # because of those spare connections

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.guard = threading.Lock()  # only one callback is handled

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log a broken or malformed connection at debug level, without a traceback: it is not the login's."""
        log.debug("A connection to the login page ended with %s", type(sys.exception()).__name__)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10  # seconds, for the spare connections that never send anything

    def do_GET(self) -> None:
        if not is_callback(self.path) or not self.server.is_ours(self.path):
            self._show(404, "Not this page", "No login is waiting for this address. Go back to Spotify's page.")
            return
        with self.server.guard:
            if self.server.is_done:
                self._show(404, "This page works once", "The terminal says how the login ended.")
                return
            try:
                status, (title, text) = 200, self.server.respond(self.path)
            except Exception as error:
                self.server.failure = error
                is_ours = type(error).__module__.startswith("etl.")
                text = str(error) if is_ours else "The terminal says what went wrong."
                status, title = 400, "Not logged in"
            try:
                with suppress(OSError):  # a closed browser misses the page, not the login
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
        """Log nothing: the request line contains the code."""


def is_callback(address: str) -> bool:
    try:
        return urlsplit(address).path == "/callback"
    except ValueError:  # not an address, such as http://[::1
        return False
