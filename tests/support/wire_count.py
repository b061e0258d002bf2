"""A relay before Postgres that keeps what a client sends: each message that costs a round trip, as the server gets it."""

import re
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from sqlalchemy.engine import make_url

COMMENT = re.compile(r"--[^\n]*")
TEXT = re.compile(r"'(?:[^']|'')*'")
SETTING = re.compile(r"\s*(?:set local\s|select pg_catalog\.set_config\()")


@dataclass
class WireCount:
    """`messages`: what was sent, in order: the text of each query, and `copy` for the rows of a COPY."""

    url: str
    messages: list[str] = field(default_factory=list)

    @property
    def statements(self) -> list[str]:
        """Every statement of the messages, `begin` and `commit` among them; not the settings that a transaction begins with."""
        found = [
            one.strip() for message in self.messages for one in TEXT.sub("''", COMMENT.sub("", message)).split(";")
        ]
        return [one for one in found if one and not SETTING.match(one)]


@contextmanager
def counted(database: str) -> Iterator[WireCount]:
    """A WireCount whose `url` leads to the database."""
    address = make_url(database)
    path = f"{address.query['host']}/.s.PGSQL.{address.query.get('port') or address.port}"
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        wire = WireCount(
            f"postgresql://{address.username}@127.0.0.1:{port}/{address.database}?sslmode=disable&gssencmode=disable"
        )

        def accept() -> None:
            while True:
                try:
                    here, _ = server.accept()
                except OSError:
                    return
                there = socket.socket(socket.AF_UNIX)
                there.connect(path)
                threading.Thread(target=sent, args=(here, there, wire.messages), daemon=True).start()
                threading.Thread(target=passed_on, args=(there, here), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield wire
        server.shutdown(socket.SHUT_RDWR)


def sent(client: socket.socket, server: socket.socket, messages: list[str]) -> None:
    """Passes on what a client sends, and reads it: a packet without a type at first, then messages of type, length, body."""
    with suppress(OSError), client, server:  # either end may go first
        rest, has_started = b"", False
        while piece := client.recv(65536):
            rest += piece
            while len(rest) >= 5:
                head = 1 if has_started else 0
                [length] = struct.unpack("!I", rest[head : head + 4])
                if len(rest) < head + length:
                    break
                body = rest[head + 4 : head + length]
                if has_started and rest[:1] == b"Q":
                    messages.append(body.rstrip(b"\0").decode())
                elif has_started and rest[:1] == b"c":
                    messages.append("copy")
                rest, has_started = rest[head + length :], True
            server.sendall(piece)


def passed_on(server: socket.socket, client: socket.socket) -> None:
    with suppress(OSError), server, client:
        while piece := server.recv(65536):
            client.sendall(piece)
