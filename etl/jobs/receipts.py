"""The receipt of an import, which accounts for every row, as text for people and JSON for programs."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import UTC

from etl.counts import many
from etl.jobs.ownership import RecordOwner, sentence
from etl.json_text import json_text

WIDTH = 80  # of a terminal, and of a log


@dataclass(frozen=True)
class FileReceipt:
    """The rows of one file by outcome: the six counts after row_count add up to it."""

    package_name: str
    file_name: str
    source: str | None  # extended_export or account_export; None: could not be read
    row_count: int = 0
    new_count: int = 0  # plays that no source had reported
    known_count: int = 0  # reported by an export of this kind before
    merged_count: int = 0  # plays that another source has reported, which they complete
    duplicate_count: int = 0  # reported by another row of this import
    private_count: int = 0  # left out on request
    malformed_count: int = 0
    podcast_count: int = 0  # of all rows
    unnamed_count: int = 0  # of all rows
    unreadable_reason: str | None = None
    malformed: tuple[str, ...] = ()  # the first of the malformed rows: which row, and why


@dataclass(frozen=True)
class Receipt:
    """The result of an import."""

    files: tuple[FileReceipt, ...]
    is_new_listener: bool
    is_dry_run: bool
    owner: RecordOwner | None = None  # the listener whose record it goes into
    warnings: tuple[str, ...] = ()  # signs that the export is somebody else's
    notes: tuple[str, ...] = ()  # departures from what a file literally says
    unchanged_count: int = 0  # files that were imported before and known by their hash: their rows were not read
    number: int | None = None  # of the run, for an undo; None: of a dry run

    @property
    def total(self) -> FileReceipt:
        counts = {
            name: sum(getattr(file, name) for file in self.files)
            for name in (field.name for field in fields(FileReceipt))
            if name.endswith("_count")
        }
        return FileReceipt("", "total", None, **counts)

    @property
    def is_good(self) -> bool:
        """True when every file and every row could be read."""
        return not any(file.unreadable_reason or file.malformed_count for file in self.files)


# Headings of the receipt's columns, and the counts in them. The six after rows add up to it.
COLUMNS = {
    "rows": "row_count",
    "new": "new_count",
    "known": "known_count",
    "merged": "merged_count",
    "twice": "duplicate_count",
    "private": "private_count",
    "bad": "malformed_count",
}
MEANINGS = {
    "new": "plays that no source had reported",
    "known": "reported by an export of this kind before",
    "merged": "plays that another source has reported, too; they are completed",
    "twice": "reported by another row of this import",
    "private": "left out, as requested; what was recorded before stays",
    "bad": "malformed rows",
}


def line(receipt: Receipt) -> str:
    """The receipt in one line that is safe in any log: numbers, no file name and no title."""
    total = receipt.total
    files = sum(not file.unreadable_reason for file in receipt.files)
    unreadable = len(receipt.files) - files
    summary = (
        f"{many(total.row_count, 'row')} of {many(files, 'file')}: {total.new_count:,} new,"
        f" {total.known_count:,} known, {total.merged_count:,} merged, {total.duplicate_count:,} reported twice"
    )
    if total.private_count:
        summary += f", {total.private_count:,} private left out"
    if total.malformed_count:
        summary += f", {total.malformed_count:,} bad"
    if unreadable:
        summary += f"; {many(unreadable, 'file')} could not be read"
    return f"{summary}; nothing was changed (dry run)" if receipt.is_dry_run else summary


def as_text(receipt: Receipt, *, is_public: bool = False) -> str:
    """The receipt in 80 columns: whose record, a line for each file, the total, and by name what could not be read.

    `is_public`: anybody may read it, so it names neither the listener nor files, which other services name after one.
    """
    return "\n".join(text_lines(receipt, is_public=is_public))


def text_lines(receipt: Receipt, *, is_public: bool) -> Iterator[str]:
    """The lines of as_text()."""
    names = numbered(receipt.files) if is_public else names_of(receipt.files)
    read = [file for file in receipt.files if not file.unreadable_reason]
    total = receipt.total
    shown = {head: name for head, name in COLUMNS.items() if head in ("rows", "new") or getattr(total, name)}
    widths = {head: max(len(head), len(f"{getattr(total, name):,}")) + 2 for head, name in shown.items()}
    room = WIDTH - sum(widths.values())
    if receipt.owner is not None:
        yield wrapped(sentence(receipt.owner, is_public=is_public))
    if read:
        yield f"{'':<{room}}" + "".join(f"{head:>{width}}" for head, width in widths.items())
        for file in [*read, total] if len(read) > 1 else read:
            counts = "".join(f"{getattr(file, name):>{widths[head]},}" for head, name in shown.items())
            yield f"{shortened(names.get(file, file.file_name), room):<{room}}{counts}"
        yield ""
        for head in shown:
            if head in MEANINGS and getattr(total, COLUMNS[head]):
                yield f"{head:>9}  {MEANINGS[head]}"
        if total.podcast_count:
            are = "is a podcast" if total.podcast_count == 1 else "are podcasts"
            yield f"{many(total.podcast_count, 'row')} {are}."
        if total.unnamed_count:
            do = "does" if total.unnamed_count == 1 else "do"
            yield f"{many(total.unnamed_count, 'row')} {do} not say what was played."
    if receipt.unchanged_count:
        have = "was imported before and has" if receipt.unchanged_count == 1 else "were imported before and have"
        yield wrapped(f"{many(receipt.unchanged_count, 'file')} {have} not changed; --again looks at every row.")
    for note in receipt.notes:
        yield wrapped(f"note: {note}")
    for file in read:
        for one in file.malformed:
            yield wrapped(f"bad: {names[file]}, {one}")
        if file.malformed_count > len(file.malformed):
            yield wrapped(f"bad: {names[file]}, and {many(file.malformed_count - len(file.malformed), 'row')} more")
    for file in receipt.files:
        if file.unreadable_reason:
            yield wrapped(f"could not be read: {names[file]}: {file.unreadable_reason}")
    if receipt.is_new_listener:
        yield "The listener is new here."
    for warning in receipt.warnings:
        yield wrapped(f"warning: {warning}")
    if read:
        yield wrapped(line(receipt))


def wrapped(sentence: str) -> str:
    """A sentence broken into lines."""
    return textwrap.fill(sentence, WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def names_of(files: Iterable[FileReceipt]) -> dict[FileReceipt, str]:
    """The name of each file for a person, with its package where two files have the same name."""
    listed = list(files)
    often = Counter(file.file_name for file in listed)
    return {
        file: f"{file.package_name}/{file.file_name.rpartition('/')[2]}"
        if often[file.file_name] > 1
        else file.file_name
        for file in listed
    }


def numbered(files: Iterable[FileReceipt]) -> dict[FileReceipt, str]:
    """The files by number instead of name, in the order of the receipt."""
    return {file: f"file {number}" for number, file in enumerate(files, start=1)}


def shortened(name: str, room: int) -> str:
    """A long name cut at its start, because files of one folder differ at the end."""
    return name if len(name) < room else f"…{name[-(room - 2) :]}"


def as_json(receipt: Receipt, *, is_public: bool = False) -> str:
    """The receipt as JSON: files, total, listener, is_new_listener, is_dry_run, is_good, notes, warnings, and
    unchanged_count: how many files were imported before and not read again. `is_public`: as in as_text.
    """
    total = {name: count for name, count in asdict(receipt.total).items() if name.endswith("_count")}
    return json_text(
        {
            "files": [
                asdict(file) | ({"package_name": None, "file_name": None} if is_public else {})
                for file in receipt.files
            ],
            "total": total,
            "listener": listener(receipt.owner, is_public=is_public) if receipt.owner else None,
            "is_new_listener": receipt.is_new_listener,
            "is_dry_run": receipt.is_dry_run,
            "is_good": receipt.is_good,
            "unchanged_count": receipt.unchanged_count,
            "notes": receipt.notes,
            "warnings": receipt.warnings,
        },
        indent=2,
    )


def listener(owner: RecordOwner, *, is_public: bool) -> dict[str, str | None]:
    """The listener for JSON: id and name, unless anybody may read it, and the start of their login."""
    return {
        "listener_id": None if is_public else owner.listener_id,
        "listener_name": None if is_public else owner.listener_name,
        "logged_in_at": f"{owner.logged_in_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if owner.logged_in_at else None,
    }
