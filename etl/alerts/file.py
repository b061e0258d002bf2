"""Keep incidents in a file, on a computer without GitHub issues."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from etl.alerts.incidents import Incident, Notification, StoreError
from etl.health.findings import Finding
from etl.whole_file import UnwritableError, whole_file


class FileStore:
    """An AlertStore in a JSON file.

    `send` delivers each notification. What it raises ends the run, and the next run sends the notification again.
    """

    def __init__(self, path: Path, send: Callable[[str, str], None]) -> None:
        self._path = path
        self._send = send

    def incidents(self) -> dict[str, Incident]:
        """All incidents by cause; none before the file exists. Raises StoreError."""
        try:
            raw = json.loads(self._path.read_text(encoding="utf-8"))
            return {one["cause"]: Incident.restored(one) for one in raw}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError):
            raise StoreError(f"{self._path} can't be read; remove it") from None

    def record(
        self, incident: Incident, finding: Finding | None, notification: Notification | None, is_repeat: bool = False
    ) -> None:
        """Send the notification, then keep the incident. Raises StoreError, and what `send` raises."""
        if notification:
            self._send(*notification)
        incidents = self.incidents() | {incident.cause: replace(incident, is_open=not incident.is_resolved)}
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(self._path) as file:
                file.write(json.dumps([one.stored() for one in incidents.values()], indent=1).encode())
        except (OSError, UnwritableError):
            raise StoreError(f"{self._path} can't be written") from None
