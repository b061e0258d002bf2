"""Remember which contents of files an import brought and which observations they report, so that it can be undone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from etl.sources.exports.earlier import KnownFile
from etl.staging import Part
from etl.warehouse.listeners import ListenerError
from etl.warehouse.locks import LISTENER_LOCK, OutOfOrder, lock
from etl.warehouse.statements import run


@dataclass(frozen=True)
class Content:
    """The content of a file of an import."""

    import_content_key: int
    import_set_key: int  # of the set that holds only this content


def imports_seen(connection: Connection, listener_key: int) -> tuple[int, int]:
    """How many imports of a listener there are, and how many were taken back. Raises ListenerError if they are gone."""
    rows = run(connection, "ops/undo/seen", listener_key=listener_key)
    if not rows:
        raise ListenerError(
            "The listener was deleted, or merged into another, while this import was at work. Nothing was imported."
            " 'brapped listener list' shows who is recorded here; then import again."
        )
    return rows[0].import_count, rows[0].undone_count


def lock_as_seen(connection: Connection, listener_key: int, seen: tuple[int, int]) -> None:
    """Lock the listener, whose imports have to be as they were `seen` before the files were read.

    The catalogue is merged before, as every job does it, or two of them could wait for each other. Raises OutOfOrder if
    an import came or was taken back meanwhile: then all begins anew, behind the lock. Raises ListenerError if they are
    gone.
    """
    lock(connection, LISTENER_LOCK, listener_key)
    if imports_seen(connection, listener_key) != seen:
        raise OutOfOrder({listener_key})


def contents_of(connection: Connection, listener_key: int, parts: Sequence[Part]) -> list[Content]:
    """The content of each part, in their order; recorded if it is new. Raises WarehouseError."""
    rows = run(
        connection,
        "ops/undo/contents",
        listener_key=listener_key,
        hashes=[identity_of(part)[0] for part in parts],
        rules=[identity_of(part)[1] for part in parts],
    )
    return [Content(row.import_content_key, row.import_set_key) for row in rows]


def identity_of(part: Part | KnownFile) -> tuple[str, str]:
    """What tells a content from others of the listener: hash and rules; of a table of an older project, its name. Pure."""
    if isinstance(part, KnownFile):
        return part.content_hash, part.earlier.rules
    return part.content_hash or f"table {part.name}", part.rules or ""


def note_reported(connection: Connection, listener_key: int, contents: Sequence[Content]) -> None:
    """After the merge: which of the known observations these contents report, too, and what they cover."""
    keys = [one.import_content_key for one in contents]
    for name in ("ops/undo/reported", "ops/undo/spans"):
        run(connection, name, listener_key=listener_key, content_keys=keys)


def note_files(connection: Connection, run_key: int, parts: Iterable[object]) -> None:
    """Link the files of a receipt with their contents. Unreadable ones have none."""
    known = [identity_of(part) for part in parts if isinstance(part, Part | KnownFile)]
    run(
        connection,
        "ops/undo/files",
        run_key=run_key,
        hashes=[content_hash for content_hash, _ in known],
        rules=[rules for _, rules in known],
    )
