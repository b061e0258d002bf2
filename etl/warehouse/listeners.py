"""Whose record it is: the account that Spotify names, and the listener that a person means, of those recorded here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from etl.values import text
from etl.warehouse.locks import LISTENER_LOCK, lock
from etl.warehouse.statements import run
from etl.warehouse.time_zones import zone_named

ME = "me"  # whose export is imported before Spotify was ever asked who that is


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


def recorded_account(
    connection: Connection,
    listener_id: str,
    user_id: str | None,
    listener_name: str | None,
    time_zone: str | None,
    now: datetime,
) -> int:
    """The listener_key of the account, which becomes a listener when it is none yet."""
    lock(connection, LISTENER_LOCK, 0)  # an import may be making "me" right now
    [row] = run(
        connection,
        "dimensions/listener",
        listener_id=listener_id,
        stand_ins=[user_id, ME],
        listener_name=listener_name,
        time_zone=time_zone,
        created_at=now,
    )
    if user_id is not None:
        run(connection, "ops/listeners/user", listener_key=row.listener_key, user_id=user_id)
    return int(row.listener_key)


def recorded_listeners(connection: Connection, listener: str | None, *, is_public: bool = True) -> list[Row[Any]]:
    """Who it is, if they are recorded here: by id or name; whoever it is, if nobody says and there is only one.

    Raises ListenerError, whose sentence names no listener when it is public, as in a log on GitHub.
    """
    if listener is not None and text(listener) != listener:
        raise ListenerError("What follows --listener can't be read: it is not UTF-8, or empty.")
    if listener is None:
        known = run(connection, "ops/listeners/everybody")
        if len(known) > 1:
            names = "an id or a name" if is_public else f"one of {', '.join(row.listener_id for row in known)}"
            raise ListenerError(
                f"More than one listener is recorded here. Say whose record is meant: --listener with {names}."
            )
        return known
    known = run(connection, "ops/listeners/named", listener=listener)
    if len(known) > 1 and known[0].listener_id != listener:
        raise ListenerError(
            "More than one listener has this name; give --listener the id, from listening.dim_listener."
        )
    return known


def find_listener(
    connection: Connection, listener: str | None, *, sees_logins: bool = True, is_public: bool = True
) -> RecordedListener | None:
    """Who it is; None when nobody is recorded yet. If nobody says, and several are recorded, the only one who is logged in.

    A reader's role does not see who is logged in (`sees_logins`). Raises ListenerError for somebody who is not recorded here.
    """
    logged_in = run(connection, "ops/listeners/logged_in") if listener is None and sees_logins else []
    known = logged_in if len(logged_in) == 1 else recorded_listeners(connection, listener, is_public=is_public)
    if not known:
        if listener is not None:
            raise ListenerError("Nobody of this name or id is recorded here.")
        return None
    [row] = run(connection, "ops/listeners/zone", listener_key=known[0].listener_key)
    return RecordedListener(row.listener_key, row.listener_id, row.listener_name, zone_named(row.time_zone))
