"""Serve the simulated Spotify over HTTP on a free port of 127.0.0.1."""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from etl.simulator.routes import Answer, Request, World, answer

RST_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, for no time: closing resets


@dataclass(frozen=True)
class Call:
    """A request and the status of its answer. Without headers and form, so without tokens and secrets."""

    method: str
    path: str
    query: Mapping[str, str]
    status: int
    at: datetime


@dataclass(frozen=True)
class Held:
    """Requests that are kept waiting: the first one sets `arrived`, and `release` lets all of them go on."""

    path: str
    arrived: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def release(self) -> None:
        self.released.set()


class SimulatedSpotify:
    """A context manager: inside it, the world answers at `api_url` and `accounts_url`.

    `world` and `clock` may be replaced at any time. `is_dated`: answers have a Date header by the clock, which must be
    off for a clock that stands still (RFC 9110, 6.6.1). `calls` lists the requests in the order of their answers. An
    error in the simulation itself, which its client only sees as a lost connection, is raised on leaving.
    """

    def __init__(self, world: World, clock: Callable[[], datetime] | None = None, *, is_dated: bool = True) -> None:
        self.clock = clock or _now
        self.is_dated = is_dated
        self.calls: list[Call] = []
        self.errors: list[BaseException] = []
        self.stopped = threading.Event()
        self._world = world
        self._lock = threading.Lock()
        self._holds: list[Held] = []

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopped.set()
        for held in tuple(self._holds):
            held.release()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()
        if self.errors and error is None:
            raise self.errors[0]

    @property
    def accounts_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def api_url(self) -> str:
        return f"{self.accounts_url}/v1"

    @property
    def world(self) -> World:
        with self._lock:
            return self._world

    @world.setter
    def world(self, world: World) -> None:
        with self._lock:
            self._world = world

    def change(self, how: Callable[[World], World]) -> None:
        """Replace the world by `how(world)`, without answering a request in between."""
        with self._lock:
            self._world = how(self._world)

    @contextmanager
    def holding(self, path: str) -> Iterator[Held]:
        """Requests whose path matches this fnmatch pattern wait until released, or until the block ends."""
        held = Held(path)
        self._holds.append(held)
        try:
            yield held
        finally:
            held.release()
            self._holds.remove(held)

    def answer(self, request: Request) -> Answer:
        for held in tuple(self._holds):
            if fnmatchcase(request.path, held.path):
                held.arrived.set()
                held.released.wait()
        with self._lock:
            given, self._world = answer(self._world, request)
            call = Call(request.method, request.path, request.query, given.status, request.at)
            self.calls.append(call)
        return given


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for every one of them
    request_queue_size = 64

    def __init__(self, spotify: SimulatedSpotify) -> None:
        self.spotify = spotify
        self._idle: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", 0), _Handler)

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # HTTPServer's would ask the network for this machine's name
        self.server_name, self.server_port = "127.0.0.1", self.socket.getsockname()[1]

    def awaits_request(self, connection: socket.socket) -> bool:
        """Note that this connection waits for a request; returns whether the server still takes one."""
        with self._guard:
            self._idle.add(connection)
            return not self.spotify.stopped.is_set()

    def has_request(self, connection: socket.socket) -> None:
        """Note that this connection no longer waits, so that it is not closed in the middle of an answer."""
        with self._guard:
            self._idle.discard(connection)

    def hang_up(self) -> None:
        """Close the connections that wait for a request; those with an answer to give can finish."""
        with self._guard:
            for connection in self._idle:
                with suppress(OSError):  # the client was quicker
                    connection.shutdown(socket.SHUT_RDWR)

    def shutdown_request(self, request: Any) -> None:
        self.has_request(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        error = sys.exc_info()[1]
        if error is not None and not isinstance(error, ConnectionError):  # a killed client is part of a test
            self.spotify.errors.append(error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        if self.server.awaits_request(self.connection):
            super().handle_one_request()
        else:
            self.close_connection = True

    def do_GET(self) -> None:
        self.server.has_request(self.connection)
        spotify = self.server.spotify
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            method=self.command,
            path=parts.path,
            at=spotify.clock(),
            query=dict(parse_qsl(parts.query, keep_blank_values=True)),
            pairs=tuple(parse_qsl(parts.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            form=dict(parse_qsl(body.decode(errors="surrogateescape"), keep_blank_values=True)),
        )
        self._send(spotify.answer(request))

    do_POST = do_PUT = do_DELETE = do_GET

    def _send(self, given: Answer) -> None:
        self.close_connection = self.close_connection or given.fate != "whole"
        if given.fate == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
            self.connection.close()  # before the server can say a polite farewell
            return
        if given.fate == "silent":
            self.server.spotify.stopped.wait()
            return
        sent = given.body[: len(given.body) // 2] if given.fate == "truncated" else given.body
        self.send_response_only(given.status)
        if self.server.spotify.is_dated:
            self.send_header("Date", format_datetime(self.server.spotify.clock().astimezone(UTC), usegmt=True))
        for name, value in given.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(given.body)))
        self.end_headers()
        self.wfile.write(sent)

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal belongs to the demo, and paths contain ids of what was played."""


def _now() -> datetime:
    return datetime.now(UTC)
