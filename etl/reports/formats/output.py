"""Make a report in one transaction, and write it to the terminal or a file."""

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Connection

from etl import limits
from etl.clock import Clock, utc_now
from etl.reports.query import Report, ReportError, nothing_recorded
from etl.reports.request import Ask, log
from etl.settings import Settings
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import listener_meant
from etl.warehouse.readable import explained, readable

IN_MEMORY = 10_000_000  # bytes of a report before it is kept in a file until it is whole


def show(
    warehouse: Warehouse,
    settings: Settings,
    name: str,
    answer: Callable[[Ask], Report | Iterable[str]],
    listener: str | None,
    form: str,
    output: Path | None,
    clock: Clock = utc_now,
) -> None:
    """Asks in one transaction, and hands out the answer when it is whole: what was begun and broke off is never seen.

    It only reads: a schema that is not this program's is said on standard error, not changed.

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
                    listener_meant(
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
                told = nothing_recorded(name, now) if who is None else answer(Ask(connection, who, now))
                if isinstance(told, Report):
                    made.append(told)
                else:
                    written.writelines(told)

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
    """The report as text, markdown, html, json or csv. With nobody recorded, extended is an empty list.

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
    """Raises ReportError now rather than after the work."""
    if output is not None and (output.is_dir() or not output.absolute().parent.is_dir()):
        raise ReportError(
            f"{output} can't be written: {'it is a folder' if output.is_dir() else 'there is no such folder'}."
        )


def keep(written: IO[str], output: Path) -> None:
    """The file as a whole or not at all. What is no plain file (a pipe, a device) is written to directly."""
    output = output.resolve()  # a link stays one
    beside = output.with_name(f".{output.name}.part")
    is_plain = output.is_file() or not output.exists()
    try:
        with (beside if is_plain else output).open("w", encoding="utf-8", newline="") as target:
            if output.is_file():
                shutil.copymode(output, beside)  # what was for its owner alone stays so
            shutil.copyfileobj(written, target)
        if is_plain:
            beside.replace(output)
    except OSError as error:
        raise ReportError(f"{output} can't be written: {error.strerror}.") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
