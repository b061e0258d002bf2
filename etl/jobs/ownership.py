"""Whose record an import goes into, and warnings when the export seems to be somebody else's."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from etl.counts import many
from etl.sources.exports.owner import mark_of
from etl.values import printable
from etl.warehouse.statements import run

FEWEST_LISTED = 10  # recently played plays, of which an export of the same days has some, if it is the same listener's
OWN_RECORD = "If it is somebody else's export, import it as another listener: --listener NAME."


@dataclass(frozen=True)
class RecordOwner:
    """The listener whose record an import goes into."""

    listener_key: int
    listener_id: str
    listener_name: str | None
    logged_in_at: datetime | None  # start of the present login; None: never logged in
    user_marks: frozenset[bytes] = field(repr=False)  # hashes of all user ids that Spotify named for them

    def __repr__(self) -> str:
        return f"RecordOwner({self.listener_key})"


def load_record_owner(connection: Connection, listener_key: int) -> RecordOwner:
    """Load a recorded listener by key."""
    [row] = run(connection, "ops/listeners/whose", listener_key=listener_key)
    marks = frozenset(mark_of(user_id) for user_id in row.user_ids)
    return RecordOwner(listener_key, row.listener_id, row.listener_name, row.logged_in_at, marks)


def sentence(whose: RecordOwner, *, is_public: bool = False) -> str:
    """Whose record an import goes into. `is_public`: anybody may read the sentence, so nobody is named."""
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
    connection: Connection, whose: RecordOwner, owners: Iterable[bytes | None], *, is_known: bool
) -> tuple[str, ...]:
    """Sentences about what suggests that the export is not this listener's; to be called after the merge.

    `owners`: for each file the mark of the user name in it, if any. `is_known`: an earlier import had some of its
    plays.
    """
    sentences = []
    named = [owner for owner in owners if owner is not None]
    others = [owner for owner in named if owner not in whose.user_marks]
    if whose.user_marks and others:
        sentences.append(
            f"The user name in {len(others)} of {many(len(named), 'file')} is not that of the account that is logged"
            " in."
            f" {OWN_RECORD} If you had another user name before, ignore this."
        )
    if whose.logged_in_at is not None and not is_known:
        [beside] = run(connection, "matching/71_export_overlap", listener_key=whose.listener_key)
        if beside.listed_count >= FEWEST_LISTED and not beside.matched_count:
            sentences.append(
                f"Recently played reported {beside.listed_count:,} plays in the time of this export, and the export has"
                " none of"
                f" them. {OWN_RECORD}"
            )
    return tuple(sentences)
