"""Whose record it is: the listener that a person means, of those recorded here."""

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from etl.settings import Runner
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
            names = (
                "an id or a name"
                if Runner().github_actions
                else f"one of {', '.join(row.listener_id for row in known)}"
            )
            raise ListenerError(
                f"More than one listener is recorded here. Say whose record is meant: --listener with {names}."
            )
        return known
    known = run(connection, "listener_named", listener=listener)
    if len(known) > 1 and known[0].listener_id != listener:
        raise ListenerError(
            "More than one listener has this name; give --listener the id, from listening.dim_listener."
        )
    return known


def listener_meant(connection: Connection, listener: str | None) -> RecordedListener | None:
    """Who it is; None when nobody is recorded yet. If nobody says, and several are recorded, the only one who is logged in.

    Raises ListenerError for somebody who is not recorded here.
    """
    logged_in = run(connection, "listener_logged_in") if listener is None else []
    known = logged_in if len(logged_in) == 1 else recorded(connection, listener)
    if not known:
        if listener is not None:
            raise ListenerError("Nobody of this name or id is recorded here.")
        return None
    [row] = run(connection, "listener_zone", listener_key=known[0].listener_key)
    return RecordedListener(row.listener_key, row.listener_id, row.listener_name, ZoneInfo(row.time_zone))
