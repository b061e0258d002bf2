"""What the recorder has learned of a listener's hours, as the spool keeps it for a day: a restart asks nothing."""

import json
import logging
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from etl.jobs.recorder.spool import Spool
from etl.sources.player.asking import Habits
from etl.sources.player.saved import restored, saved
from etl.warehouse.time_zones import ZoneError, zone_named

log = logging.getLogger(__name__)

LEARNED_EVERY = timedelta(days=1)


@dataclass(frozen=True)
class Learned:
    """`shares`: for each hour whether it is a weekend, the hour, and the share of `listening_shares`."""

    day: str
    zone: str
    shares: list[Any]

    def habits(self) -> Habits:
        """Raises ValueError and TypeError if the shares are none."""
        told = {(bool(kind), int(hour)): float(share) for kind, hour, share in self.shares}
        if not all(0 <= hour < 24 and 0 <= share <= 1 for (_, hour), share in told.items()):
            raise ValueError("not the shares of hours")
        return Habits(told)


def keep_habits(spool: Spool, listener_key: int, habits: Habits, zone: ZoneInfo, now: datetime) -> None:
    """Note in the spool what was learned of a listener today."""
    shares = [[is_weekend, hour, share] for (is_weekend, hour), share in habits.shares.items()]
    with suppress(sqlite3.Error):  # it is learned again
        spool.keep_note(
            f"habits {listener_key}", json.dumps(saved(Learned(str(now.astimezone(UTC).date()), zone.key, shares)))
        )


def kept_habits(spool: Spool, listener_key: int, now: datetime) -> tuple[ZoneInfo, Habits, date] | None:
    """What was learned of a listener within the last day; None: nothing was, or another version wrote it."""
    note = spool.note(f"habits {listener_key}")
    if note is None:
        return None
    try:
        told = restored(Learned, json.loads(note))
        day, habits = date.fromisoformat(told.day), told.habits()
    except (ValueError, TypeError):
        return None
    if not day <= now.date() < day + LEARNED_EVERY:
        return None
    return zone_of(told.zone), habits, day


def zone_of(name: str) -> ZoneInfo:
    """The time zone of a listener; UTC, with a warning, if this computer does not know it."""
    try:
        return zone_named(name)
    except ZoneError:
        log.warning(
            "This computer does not know the time zone of a listener, so their usual hours are taken by UTC. Update its"
            " time zones (the package tzdata)."
        )
        return ZoneInfo("UTC")
