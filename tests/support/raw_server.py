"""A server that answers with whatever bytes a test sends, however slowly; and a relay that lets some calls through.

with raw_server(lambda connection, stopped: connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
    requests.get(server.url)
assert server.heard[0].startswith(b"GET / ")
"""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Answer = Callable[[socket.socket, threading.Event], object]


@dataclass
class Raw:
    """`heard` has each request as it came, `connections` how often somebody connected."""

    port: int
    heard: list[bytes] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def raw_server(answer: Answer, is_silent: bool = False) -> Iterator[Raw]:
    """`answer` is called for each request of each connection, with what is set when the test is over; a connection is closed
    when it raises OSError, or after the request if the server is not kept alive. `is_silent`: it answers before any request."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        raw = Raw(listening.getsockname()[1])

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                if is_silent:
                    answer(connection, stopped)
                    return
                while request := whole_request(connection):
                    raw.heard.append(request)
                    answer(connection, stopped)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    raw.connections += 1
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield raw
        finally:
            stopped.set()
            listening.shutdown(socket.SHUT_RDWR)


def whole_request(connection: socket.socket) -> bytes:
    """One request with its body; empty when nobody asks any more."""
    text = b""
    while b"\r\n\r\n" not in text:
        if not (more := connection.recv(65_536)):
            return b""
        text += more
    head, _, body = text.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < (int(lengths[0]) if lengths else 0):
        body += connection.recv(65_536)
    return head + b"\r\n\r\n" + body


def dripping(start: bytes, drop: bytes = b"a", every_s: float = 0.02) -> Answer:
    """Sends the start at once, and then the drop again and again."""

    def answer(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(start)
        while not stopped.wait(every_s):
            connection.sendall(drop)

    return answer


def whole(body: bytes, *headers: str, status: str = "200 OK") -> Answer:
    """An answer with its length, which leaves the connection open."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return lambda connection, stopped: connection.sendall("\r\n".join(lines).encode() + body)


def in_turn(*answers: Answer) -> Answer:
    """The first answer to the first request, and so on; the last again and again."""
    left = list(answers)

    def answer(connection: socket.socket, stopped: threading.Event) -> None:
        (left.pop(0) if len(left) > 1 else left[0])(connection, stopped)

    return answer


@contextmanager
def relay(url: str, hangs: Callable[[bytes], bool], is_silent: bool = False) -> Iterator[Raw]:
    """Hands each request on to `url`, and its answer back; but those of which `hangs` is true get a body that drips, or
    with `is_silent` not one byte."""
    target = urlsplit(url)

    def answer(connection: socket.socket, stopped: threading.Event) -> None:
        request = raw.heard[-1]
        if hangs(request):
            drips = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
            stopped.wait() if is_silent else drips(connection, stopped)
            return
        with socket.create_connection((str(target.hostname), target.port or 80)) as onward:
            onward.sendall(request.replace(b"Connection: keep-alive", b"Connection: close"))
            status, rest = b"".join(parts_of(onward)).split(b"\r\n", 1)
            # It says so, or the client would send its next request into a connection that is just being closed.
            connection.sendall(status + b"\r\nConnection: close\r\n" + rest)
        raise ConnectionError  # the other side has closed, and so does this one

    with raw_server(answer) as raw:
        yield raw


def parts_of(connection: socket.socket) -> Iterable[bytes]:
    while part := connection.recv(65_536):
        yield part
