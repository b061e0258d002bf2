"""A relay before Postgres that can be away, and counts the connections that clients make."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from sqlalchemy.engine import make_url


class Relay:
    """`url` leads to the database. `is_away`: whether it breaks every connection now. `connection_count`, `message_count`: what
    clients have opened and sent since the start."""

    def __init__(self, database: str) -> None:
        address = make_url(database)
        self._path = f"{address.query['host']}/.s.PGSQL.{address.query.get('port') or address.port}"
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = (
            f"postgresql://{address.username}@127.0.0.1:{self._server.getsockname()[1]}/{address.database}"
            "?sslmode=disable&gssencmode=disable"
        )
        self.is_away: Callable[[], bool] = lambda: False
        self.connection_count = self.message_count = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._server.accept()
            except OSError:
                return
            self.connection_count += 1
            if self.is_away():
                here.close()
                continue
            there = socket.socket(socket.AF_UNIX)
            there.connect(self._path)
            for one, other, count in ((here, there, 1), (there, here, 0)):
                threading.Thread(target=self._pass_on, args=(one, other, count), daemon=True).start()

    def _pass_on(self, one: socket.socket, other: socket.socket, count: int) -> None:
        with suppress(OSError):
            while (piece := one.recv(65536)) and not self.is_away():
                self.message_count += count
                other.sendall(piece)
        for end in (one, other):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            one.close()


@contextmanager
def relayed(database: str) -> Iterator[Relay]:
    relay = Relay(database)
    try:
        yield relay
    finally:
        relay.close()
