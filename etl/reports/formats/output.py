"""Make a report in one transaction, and write it to the terminal or a file."""

import io
import logging
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from sqlalchemy import Connection

from etl import limits
from etl.clock import Clock, utc_now
from etl.reports.model import Report, ReportError
from etl.reports.query import nothing_recorded
from etl.reports.request import ReportContext
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import find_listener
from etl.warehouse.readable import explained, readable
from etl.whole_file import UnwritableError, whole_file

log = logging.getLogger(__name__)

IN_MEMORY = 10_000_000  # bytes of a report before it is kept in a file until it is whole


def show(
    warehouse: Warehouse,
    settings: Settings,
    name: str,
    answer: Callable[[ReportContext], Report | Iterable[str]],
    listener: str | None,
    form: str,
    output: Path | None,
    clock: Clock = utc_now,
) -> None:
    """Make a report in one transaction and print it, or write it to `output`, once it is whole.

    name: a key of REPORTS. answer: makes the report, or writes it in pieces of text. listener: id or name, as
    the person wrote it; None is the only one recorded here. form: text, markdown, html, json, csv or extended.
    A report changes nothing: of a schema of another version it only warns, on standard error.
    Raises ListenerError, ReadingError, ReportError and WarehouseError.
    """
    now = clock()
    warnings: dict[str, None] = {}
    with tempfile.SpooledTemporaryFile(IN_MEMORY, "w+", encoding="utf-8", newline="") as written:
        made: list[Report] = []

        def work(connection: Connection) -> None:
            for begun in (made.clear, lambda: written.seek(0), written.truncate):  # a transaction may be done again
                begun()
            state = readable(connection)
            warnings[state.warning] = None
            with explained(state):
                who = (
                    find_listener(
                        connection, listener, sees_logins=state.sees_bookkeeping, is_public=settings.github_actions
                    )
                    if state.is_made
                    else None
                )
                if who is not None and listener is None and settings.time_zone not in (None, who.time_zone.key):
                    warnings[
                        f"Days are those of {who.time_zone.key}: TIME_ZONE ({settings.time_zone}) takes effect with the"
                        " next brapped plays or import."
                    ] = None
                found = nothing_recorded(name, now) if who is None else answer(ReportContext(connection, who, now))
                if isinstance(found, Report):
                    made.append(found)
                else:
                    written.writelines(found)

        warehouse.transaction(work, limits.READING)
        for warning in filter(None, warnings):
            log.warning(warning)
        if made and form == "text" and output is None:
            from etl.reports.formats.text import as_renderable
            from etl.terminal import terminal

            terminal().print(as_renderable(made[0]))
            return
        if made:
            written.write(in_form(made[0], form))
        written.seek(0)
        if output is None:
            shutil.copyfileobj(written, sys.stdout)
        else:
            keep(written, output)


def in_form(report: Report, form: str) -> str:
    """The report as text, markdown, html, json or csv; as extended only with nobody recorded, an empty list.

    Each form is imported when it is written: JSON and CSV need neither rich nor templates.
    """
    if form == "extended":
        return "[]\n"
    if form == "html":
        from etl.reports.formats.html import as_html as written
    elif form == "json":
        from etl.reports.formats.data import as_json as written
    elif form == "csv":
        from etl.reports.formats.data import as_csv as written
    elif form == "markdown":
        from etl.reports.formats.markdown import as_markdown as written
    else:
        from etl.reports.formats.text import as_text as written
    return written(report)


def must_be_writable(output: Path | None) -> None:
    """Raises ReportError when the file can't be written, now rather than after the work."""
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise ReportError(
            f"{output} can't be written: {'it is a folder' if output.is_dir() else 'there is no such folder'}."
        )


def keep(written: IO[str], output: Path) -> None:
    """Write a text to a file, whole or not at all. A pipe or a device is written to directly.

    A link stays a link. A file that was there keeps its permissions; a new one is as any program would make it.
    Raises ReportError when the file can't be written.
    """
    output = output.resolve()
    try:
        if output.exists() and not output.is_file():
            with output.open("w", encoding="utf-8", newline="") as device:
                shutil.copyfileobj(written, device)
            return
        with whole_file(output, mode_of(output)) as file:
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            shutil.copyfileobj(written, text)
            text.detach()
    except OSError as error:
        raise ReportError(f"{output} can't be written: {error.strerror}.") from None
    except UnwritableError as error:
        raise ReportError(str(error)) from None


def mode_of(path: Path) -> int:
    """The permissions of a file, or those that a new file gets."""
    if path.exists():
        return stat.S_IMODE(path.stat().st_mode)
    masked = os.umask(0)  # can only be read by setting it
    os.umask(masked)
    return 0o666 & ~masked
