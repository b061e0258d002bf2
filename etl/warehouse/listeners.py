"""Listeners: record the account that Spotify names, and find the one that --listener names."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from etl.values import text
from etl.warehouse.locks import LISTENER_LOCK, lock
from etl.warehouse.statements import run
from etl.warehouse.time_zones import zone_named

ME = "me"  # stands in for a listener whose export is imported before the first login


class ListenerError(Exception):
    """No listener, or more than one, fits what was asked for."""


class RecordedAccount(NamedTuple):
    """The listener that a Spotify account is, and the one into whose record their plays go: mostly the same."""

    listener_key: int
    record_key: int  # another one after `brapped listener merge`


@dataclass(frozen=True)
class RecordedListener:
    """A listener whose plays are recorded here, and the time zone of their local dates."""

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
) -> RecordedAccount:
    """Record the account as a listener unless it is one already.

    `listener_id`: the stable id. `user_id`: `id` of Spotify's profile, which may change, or None.
    A listener recorded earlier under `user_id`, or as ME by an import, becomes this account.
    """
    lock(connection, LISTENER_LOCK, 0)  # an import may be creating "me" at this moment
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
    return RecordedAccount(int(row.listener_key), int(row.record_key))


def must_be_their_own(connection: Connection, listener: str) -> None:
    """Raises ListenerError if the listener with this id or name was merged into another one. It names nobody."""
    for row in run(connection, "ops/merges/named", listener=listener):
        raise ListenerError(
            "This listener was merged into another one, who has the plays now. Name that one, whom 'brapped listener"
            f" list' shows, or take the merge back first: 'brapped listener unmerge {row.merge_key}'."
        )


def recorded_listeners(connection: Connection, listener: str | None, *, is_public: bool = True) -> list[Row[Any]]:
    """The listeners with this id or name; without one, the only listener recorded here. Empty if there is none.

    Raises ListenerError if several fit, or if the one was merged into another. `is_public`: the message may be read by others (a log on GitHub), so it names
    nobody.
    """
    if listener is not None and text(listener) != listener:
        raise ListenerError("The value of --listener can't be read: it is empty, or not UTF-8.")
    if listener is None:
        known = run(connection, "ops/listeners/everybody")
        if len(known) > 1:
            names = "an id or a name" if is_public else f"one of {', '.join(row.listener_id for row in known)}"
            raise ListenerError(f"More than one listener is recorded here. Choose one: --listener with {names}.")
        return known
    known = run(connection, "ops/listeners/named", listener=listener)
    if not known:
        must_be_their_own(connection, listener)
    if len(known) > 1 and known[0].listener_id != listener:
        raise ListenerError(
            "More than one listener has this name; give --listener the id, from listening.dim_listener."
        )
    return known


def find_listener(
    connection: Connection, listener: str | None, *, sees_logins: bool = True, is_public: bool = True
) -> RecordedListener | None:
    """The listener with this id or name; without one, the only one who is logged in, else the only one recorded.

    None if nobody is recorded yet. `sees_logins`: false for a reader's role, which has no access to the logins. Raises
    ListenerError for an unknown listener, or if several fit.
    """
    logged_in = run(connection, "ops/listeners/logged_in") if listener is None and sees_logins else []
    known = logged_in if len(logged_in) == 1 else recorded_listeners(connection, listener, is_public=is_public)
    if not known:
        if listener is not None:
            raise ListenerError("No listener with this name or id is recorded here.")
        return None
    [row] = run(connection, "ops/listeners/zone", listener_key=known[0].listener_key)
    return RecordedListener(row.listener_key, row.listener_id, row.listener_name, zone_named(row.time_zone))
