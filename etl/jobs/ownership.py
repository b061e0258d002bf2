"""The listener whose record an import goes into, and warnings when the export seems to be somebody else's."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection

from etl.counts import many
from etl.sources.exports.owner import mark_of
from etl.values import printable
from etl.warehouse.statements import run

FEWEST = 10  # plays recorded on the days of an export: with fewer, an export without any of them proves nothing
ONE_IN = 100  # of somebody's own plays an export shares more; of years of a stranger's, a few by chance
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
    """Load a recorded listener by key. Raises WarehouseError."""
    [row] = run(connection, "ops/listeners/whose", listener_key=listener_key)
    marks = frozenset(mark_of(user_id) for user_id in row.user_ids)
    return RecordOwner(listener_key, row.listener_id, row.listener_name, row.logged_in_at, marks)


def sentence(owner: RecordOwner, *, is_public: bool = False) -> str:
    """A sentence that names the listener of an import. `is_public`: anybody may read it, so nobody is named."""
    if is_public:
        who = "the listener" if owner.logged_in_at else "a listener"
    else:
        who = name_of(owner.listener_id, owner.listener_name)
    if owner.logged_in_at is None:
        return f"Into the record of {who}, who has not logged in."
    return f"Into the record of {who}, logged in since {owner.logged_in_at.astimezone(UTC):%Y-%m-%d}."


def name_of(listener_id: str, listener_name: str | None) -> str:
    """How a listener is named to the person: name and id, or the id alone."""
    shown = printable(listener_id)
    return f"{printable(listener_name)} ({shown})" if listener_name and listener_name != listener_id else shown


class Unconfirmed(Exception):
    """The export seems to be somebody else's: the person has to say whether to import it. Nothing is imported yet."""


def warnings(
    connection: Connection,
    owner: RecordOwner,
    file_marks: Iterable[bytes | None],
    *,
    is_first: bool,
    asks: bool = False,
) -> tuple[str, ...]:
    """Warn, in sentences, when the export seems not to be this listener's. To be called after the merge.

    `file_marks`: for each file the mark of the user name in it, if any. `is_first`: plays were merged, and no earlier
    import had any of them. `asks`: raise Unconfirmed when the export shares next to no play with what is recorded on
    its days, whatever source told of it. Of exports it takes as many plays to tell; the list and the recorder miss
    none. Raises WarehouseError.
    """
    sentences = []
    named = [mark for mark in file_marks if mark is not None]
    others = [mark for mark in named if mark not in owner.user_marks]
    if owner.user_marks and others:
        sentences.append(
            f"The user name in {len(others)} of {many(len(named), 'file')} is not that of the account that is logged"
            f" in. {OWN_RECORD} If you had another user name before, ignore this."
        )
    if is_first:
        [beside] = run(connection, "matching/71_export_overlap", listener_key=owner.listener_key)
        fewest = min(beside.recorded_count, max(beside.listed_count, beside.batch_count))
        if fewest >= FEWEST and beside.shared_count * ONE_IN < fewest:
            doubt = (
                f"{many(beside.recorded_count, 'play')} of music are recorded on the days of this export, and the export has"
                f" {beside.shared_count or 'none'} of them. {OWN_RECORD}"
            )
            if asks:
                raise Unconfirmed(doubt)
            sentences.append(doubt)
    return tuple(sentences)
