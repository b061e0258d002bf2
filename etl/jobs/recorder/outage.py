"""A time in which no question about the player is answered: since when, kept in the spool for `brapped status`."""

import json
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from etl.jobs.recorder.spool import Spool

LONG = timedelta(hours=1)
MANY = 30  # questions in a row: an hour of them while the computer is awake; asleep it asks none


@dataclass
class Outage:
    """The questions about one listener that failed in a row, such as without a network, or with a status of 500.

    `since`: when the first of them failed; None: the last one was answered. `is_long`: a person should know. A recorder
    that is started anew goes on with what the spool has of it.
    """

    spool: Spool
    listener_key: int
    since: datetime | None = None
    is_long: bool = False
    failed_count: int = 0

    def __post_init__(self) -> None:
        if note := self.spool.note(self._name):
            told = json.loads(note)
            self.since, self.is_long = datetime.fromisoformat(told["since"]), told["is_long"]

    def failed(self, now: datetime) -> None:
        """One more question failed."""
        self.failed_count += 1
        is_long = self.is_long or (self.since is not None and now - self.since >= LONG and self.failed_count >= MANY)
        if self.since is None or is_long != self.is_long:
            self.since, self.is_long = self.since or now, is_long
            self._keep(json.dumps({"since": self.since.isoformat(), "is_long": self.is_long}))

    def over(self) -> None:
        """Spotify answered."""
        self.failed_count = 0
        if self.since is not None:
            self.since, self.is_long = None, False
            self._keep(None)

    @property
    def _name(self) -> str:
        return f"outage {self.listener_key}"

    def _keep(self, value: str | None) -> None:
        with suppress(sqlite3.Error):  # the disk is full, which is said elsewhere; memory has it
            if value is None:
                self.spool.forget_note(self._name)
            else:
                self.spool.keep_note(self._name, value)
