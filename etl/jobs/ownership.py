"""Whose record an import goes into, and the signs that the export is somebody else's."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from etl.counts import many
from etl.sources.exports.owner import mark_of
from etl.values import printable
from etl.warehouse.statements import run

FEWEST = 10  # plays of Spotify's list that an export of the same days can hardly miss all
OWN_RECORD = "If it is somebody else's export, give it a record of its own: --listener NAME."


@dataclass(frozen=True)
class Whose:
    """A listener, as a person knows them."""

    listener_key: int
    listener_id: str
    listener_name: str | None
    logged_in_at: datetime | None  # since when; None: never
    user_marks: frozenset[bytes] = field(repr=False)  # of the user ids that Spotify named for them

    def __repr__(self) -> str:
        return f"Whose({self.listener_key})"


def whose_record(connection: Connection, listener_key: int) -> Whose:
    """The listener of this key, who has to be recorded here."""
    [row] = run(connection, "ops/listeners/whose", listener_key=listener_key)
    marks = frozenset(mark_of(user_id) for user_id in row.user_ids)
    return Whose(listener_key, row.listener_id, row.listener_name, row.logged_in_at, marks)


def sentence(whose: Whose, *, is_public: bool = False) -> str:
    """Into whose record an import goes. `is_public`: anybody may read it, so nobody is named."""
    if is_public:
        who = "the listener" if whose.logged_in_at else "a listener"
    else:
        who = printable(whose.listener_id)
        if whose.listener_name and whose.listener_name != whose.listener_id:
            who = f"{printable(whose.listener_name)} ({who})"
    if whose.logged_in_at is None:
        return f"Into the record of {who}, who has not logged in."
    return f"Into the record of {who}, logged in since {whose.logged_in_at.astimezone(UTC):%Y-%m-%d}."


def warnings(
    connection: Connection, whose: Whose, owners: Iterable[bytes | None], *, is_known: bool
) -> tuple[str, ...]:
    """What speaks against the export being this listener's, as sentences. After the merge of a batch.

    `owners`: marks of the user names in its files. `is_known`: an earlier import told some of it.
    """
    found = []
    named = [owner for owner in owners if owner is not None]
    others = [owner for owner in named if owner not in whose.user_marks]
    if whose.user_marks and others:
        found.append(
            f"The user name in {len(others)} of {many(len(named), 'file')} is not that of the account that is logged in."
            f" {OWN_RECORD} If you had another user name before, all is well."
        )
    if whose.logged_in_at is not None and not is_known:
        [beside] = run(connection, "matching/71_export_overlap", listener_key=whose.listener_key)
        if beside.listed_count >= FEWEST and not beside.matched_count:
            found.append(
                f"Spotify's list reported {beside.listed_count:,} plays in the time of this export, and the export has none of"
                f" them. {OWN_RECORD}"
            )
    return tuple(found)
