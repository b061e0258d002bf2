"""Links that show one page of a record to whoever has them, until they end or are revoked."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from etl.warehouse.listeners import RecordedListener
from etl.warehouse.statements import run
from etl.warehouse.time_zones import zone_named
from etl.web.tokens import digest, new_token

KINDS = ("artists", "tracks", "albums", "genres", "shows")
LIVES = {"week": timedelta(days=7), "month": timedelta(days=30), "year": timedelta(days=365), "": None}
MOST_LINKS = 100  # of a listener
FIRST_YEAR, LAST_YEAR = 2006, 9998  # Spotify began in 2006


class ShareError(Exception):
    """The page can't be shared. The message is for the person."""


@dataclass(frozen=True)
class SharedPage:
    """What a link shows. `name`: wrapped (of `year`; None: of all time), top (`kind`, `year`, `by`) or now."""

    name: str
    year: int | None = None
    kind: str = "artists"
    by: str = "plays"

    @property
    def words(self) -> str:
        """What it shows, for a list of links."""
        when = f"of {self.year}" if self.year else "of all time"
        return {
            "wrapped": f"Wrapped {when}",
            "top": f"Top {self.kind} by {self.by}, {when}",
            "now": "What plays now",
        }[self.name]

    @property
    def days(self) -> dict[str, date | None]:
        """The local days that it is about: {since_date, until_date}."""
        if self.year is None:
            return {"since_date": None, "until_date": None}
        return {"since_date": date(self.year, 1, 1), "until_date": date(self.year, 12, 31)}

    def as_json(self) -> str:
        """The parameters as they are stored."""
        told = {"wrapped": {"year": self.year}, "top": {"year": self.year, "kind": self.kind, "by": self.by}, "now": {}}
        return json.dumps(told[self.name])

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, Any]) -> "SharedPage":
        """From a form or from the table. Raises ShareError for a page that can't be shared."""
        year, kind, by = parameters.get("year") or None, parameters.get("kind") or "artists", parameters.get("by")
        try:
            year = int(year) if year is not None else None
        except (TypeError, ValueError):
            year = 0
        is_year = year is None or FIRST_YEAR <= year <= LAST_YEAR
        if name not in ("wrapped", "top", "now") or kind not in KINDS or by not in (None, "", "plays", "time"):
            raise ShareError("There is no such page to share.")
        if not is_year:
            raise ShareError(f"The year has to be between {FIRST_YEAR} and {LAST_YEAR}.")
        return cls(name, year, kind, by or "plays")


@dataclass(frozen=True)
class Link:
    """A link that works: what it shows, and whose."""

    page: SharedPage
    listener: RecordedListener = field(repr=False)
    counts_as: str


def share(connection: Connection, listener_key: int, page: SharedPage, life: str, now: datetime) -> str:
    """Make a link that lasts for a `life` of LIVES; its token, which is not kept. Raises ShareError."""
    if life not in LIVES:
        raise ShareError("A link lasts for a week, a month, a year, or until it is revoked.")
    if len(run(connection, "ops/web/links", listener_key=listener_key, now=now)) >= MOST_LINKS:
        raise ShareError(f"You share {MOST_LINKS} links already. Revoke one of them first.")
    token, lasts = new_token(), LIVES[life]
    run(
        connection,
        "ops/web/link_made",
        token_hash=digest(token),
        listener_key=listener_key,
        page_name=page.name,
        page_parameters=page.as_json(),
        now=now,
        ends_at=now + lasts if lasts else None,
    )
    return token


def links_of(connection: Connection, listener_key: int, now: datetime) -> list[dict[str, Any]]:
    """The links of a listener: {number, words, created_at, ends_at, opened_count, is_ended}."""
    return [
        {
            "number": row.shared_link_key,
            "words": SharedPage.of(row.page_name, row.page_parameters).words,
            "created_at": row.created_at,
            "ends_at": row.ends_at,
            "opened_count": row.opened_count,
            "is_ended": bool(row.is_ended),
        }
        for row in run(connection, "ops/web/links", listener_key=listener_key, now=now)
    ]


def revoke(connection: Connection, listener_key: int, number: int) -> bool:
    """Revoke a link; whether this listener has one with this number."""
    return bool(run(connection, "ops/web/link_revoked", listener_key=listener_key, shared_link_key=number))


def opened_link(connection: Connection, token: str, now: datetime, *, is_opened: bool) -> Link | None:
    """The link with this token; None if it does not work (any longer). `is_opened`: count it."""
    rows = run(connection, "ops/web/link", token_hash=digest(token), now=now, is_opened=is_opened)
    if not rows:
        return None
    [row] = rows
    listener = RecordedListener(row.listener_key, row.listener_id, row.listener_name, zone_named(row.time_zone))
    return Link(SharedPage.of(row.page_name, row.page_parameters), listener, row.counts_as)
