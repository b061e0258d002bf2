"""Who asks: the session in a browser's cookie, kept in Postgres as a hash, and ended there."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row

from etl.warehouse.listeners import RecordedListener
from etl.warehouse.statements import run
from etl.warehouse.time_zones import zone_named
from etl.web.tokens import digest, new_token

LIFE = timedelta(days=30)  # from the last use
BROWSERS = ("Edg", "OPR", "SamsungBrowser", "Firefox", "Chrome", "Safari", "curl")  # the first that is named counts
BROWSER_NAMES = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet"}
SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS X": "Mac",
    "Linux": "Linux",
}


@dataclass(frozen=True)
class Visitor:
    """A listener who is logged in, and what they set. `counts_as`: their minimum of a counted play."""

    listener: RecordedListener
    session_hash: bytes = field(repr=False)
    counts_as: str = "30s"
    is_open_to_comparison: bool = False

    @property
    def listener_key(self) -> int:
        return self.listener.listener_key

    @property
    def name(self) -> str:
        return self.listener.listener_name or self.listener.listener_id


def find_visitor(connection: Connection, token: str, now: datetime) -> Visitor | None:
    """Who is logged in with this token; None if nobody is. Prolongs the session, to the hour."""
    session_hash = digest(token)
    rows = run(connection, "ops/web/session", session_hash=session_hash, now=now)
    if not rows:
        return None
    [row] = rows
    if row.is_seen_again:
        run(connection, "ops/web/session_seen", session_hash=session_hash, now=now, ends_at=now + LIFE)
    listener = RecordedListener(row.listener_key, row.listener_id, row.listener_name, zone_named(row.time_zone))
    return Visitor(listener, session_hash, row.counts_as, row.is_open_to_comparison)


def begin_session(connection: Connection, listener_key: int, user_agent: str, now: datetime) -> str:
    """Log a listener in; the token for the cookie, which is not kept."""
    token = new_token()
    run(
        connection,
        "ops/web/session_made",
        session_hash=digest(token),
        listener_key=listener_key,
        now=now,
        ends_at=now + LIFE,
        browser_name=browser_name(user_agent),
    )
    return token


def end_session(connection: Connection, listener_key: int, session_hash: bytes | None) -> None:
    """Log out in one browser; in all of them where `session_hash` is None."""
    run(connection, "ops/web/session_ended", listener_key=listener_key, session_hash=session_hash)


def sessions_of(connection: Connection, listener_key: int, now: datetime) -> list[Row[Any]]:
    """The rows of sql/ops/web/sessions.sql: where this listener is logged in."""
    return run(connection, "ops/web/sessions", listener_key=listener_key, now=now)


def browser_name(user_agent: str) -> str | None:
    """Family of browser and system, such as `Firefox on Linux`; None for a program that names neither. Pure."""
    browser = next((one for one in BROWSERS if re.search(rf"{one}[A-Za-z]*/", user_agent)), None)
    system = next((name for mark, name in SYSTEMS.items() if mark in user_agent), None)
    named = BROWSER_NAMES.get(browser, browser) if browser else None
    return " on ".join(filter(None, (named, system))) or None
