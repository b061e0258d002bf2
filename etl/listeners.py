"""Whose record it is: the listener that a person means, of those recorded here."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from etl.warehouse import run


class ListenerError(Exception):
    """It can't be said whose record is meant."""


@dataclass(frozen=True)
class RecordedListener:
    """Somebody whose plays are recorded here, and the clock they live by."""

    listener_key: int
    listener_id: str
    listener_name: str | None
    time_zone: ZoneInfo

    def __repr__(self) -> str:
        return f"RecordedListener({self.listener_key})"


def recorded(connection: Connection, listener: str | None) -> list[Row[Any]]:
    """Who it is, if they are recorded here: by id or name; whoever it is, if nobody says and there is only one."""
    if listener is None:
        known = run(connection, "listener_default")
        if len(known) > 1:
            raise ListenerError(
                "More than one listener is recorded here. Say whose record is meant: --listener with one of"
                f" {', '.join(row.listener_id for row in known)}."
            )
        return known
    known = run(connection, "listener_named", listener=listener)
    if len(known) > 1 and known[0].listener_id != listener:
        raise ListenerError(
            "More than one listener has this name; give --listener the id, from listening.dim_listener."
        )
    return known


def listener_meant(connection: Connection, listener: str | None) -> RecordedListener | None:
    """Who it is; None when nobody is recorded yet. Raises ListenerError for somebody who is not recorded here."""
    known = recorded(connection, listener)
    if not known:
        if listener is not None:
            raise ListenerError("Nobody of this name or id is recorded here.")
        return None
    [row] = run(connection, "listener_zone", listener_key=known[0].listener_key)
    return RecordedListener(row.listener_key, row.listener_id, row.listener_name, ZoneInfo(row.time_zone))
