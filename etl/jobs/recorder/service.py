"""What the recorder tells systemd (sd_notify): that it is ready, alive, or stopping. Standard library only.

The protocol is one datagram to the socket that NOTIFY_SOCKET names: see sd_notify(3).
"""

import socket
from contextlib import suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Service:
    """The service manager that started this process; without an `address` there is none, and nothing is sent."""

    address: str | None = None

    def notify(self, *lines: str) -> None:
        """Send lines such as READY=1."""
        if self.address is None or not self.address.startswith(("/", "@")):
            return
        target = "\0" + self.address[1:] if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as to:
            to.sendto("\n".join(lines).encode(), target)
