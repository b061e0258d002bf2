"""Whose record it is: the account that Spotify names, and the listener that a person means, of those recorded here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from etl.fields import account, name, text
from etl.settings import Runner
from etl.warehouse import LISTENER_LOCK, lock, run
from etl.wire import Json, SpotifyError
from etl.zones import zone_named

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


@dataclass(frozen=True)
class Account:
    """Who a login belongs to, as Spotify says."""

    listener_id: str
    user_id: str | None
    listener_name: str | None

    def __repr__(self) -> str:
        return "Account(…)"


def who_is(me: Json) -> Account:
    """The account that /v1/me names: by the immutable account_id; by the user id where an answer has none.

    Raises SpotifyError when it names none, or has an account_id that can't be one: the user id would be another listener.
    """
    user_id, told = account(me.get("id")), me.get("account_id")
    listener_id = user_id if told in (None, "") else account(told)
    if listener_id is None:
        raise SpotifyError("Spotify does not say whose login this is: /v1/me held no usable id or account_id.")
    return Account(listener_id, user_id, name(me.get("display_name")))


def recorded_account(connection: Connection, account: Account, time_zone: str | None, now: datetime) -> int:
    """The listener_key of the account, which becomes a listener when it is none yet."""
    lock(connection, LISTENER_LOCK, 0)  # an import may be making "me" right now
    [row] = run(
        connection,
        "load/listener",
        listener_id=account.listener_id,
        stand_ins=[account.user_id, ME],
        listener_name=account.listener_name,
        time_zone=time_zone,
        created_at=now,
    )
    if account.user_id is not None:
        run(connection, "listener_user", listener_key=row.listener_key, user_id=account.user_id)
    return int(row.listener_key)


def recorded(connection: Connection, listener: str | None) -> list[Row[Any]]:
    """Who it is, if they are recorded here: by id or name; whoever it is, if nobody says and there is only one."""
    if listener is not None and text(listener) != listener:
        raise ListenerError("What follows --listener can't be read: it is not UTF-8, or empty.")
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


def listener_meant(
    connection: Connection, listener: str | None, *, sees_logins: bool = True
) -> RecordedListener | None:
    """Who it is; None when nobody is recorded yet. If nobody says, and several are recorded, the only one who is logged in.

    A reader's role does not see who is logged in (`sees_logins`). Raises ListenerError for somebody who is not recorded here.
    """
    logged_in = run(connection, "listener_logged_in") if listener is None and sees_logins else []
    known = logged_in if len(logged_in) == 1 else recorded(connection, listener)
    if not known:
        if listener is not None:
            raise ListenerError("Nobody of this name or id is recorded here.")
        return None
    [row] = run(connection, "listener_zone", listener_key=known[0].listener_key)
    return RecordedListener(row.listener_key, row.listener_id, row.listener_name, zone_named(row.time_zone))
