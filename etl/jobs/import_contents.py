"""Remember which contents of files an import brought and which observations they report, so that it can be undone."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from etl.sources.exports.earlier import KnownFile
from etl.staging import Part
from etl.warehouse.statements import run


@dataclass(frozen=True)
class Content:
    """The content of a file of an import."""

    import_content_key: int
    import_set_key: int  # of the set that holds only this content


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
