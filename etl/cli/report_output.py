"""Where a report goes, and in which form: the terminal or a file, by --format and --output."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from etl.cli.fast_imports import quick_imports

if TYPE_CHECKING:
    from etl.reports.model import Report
    from etl.reports.request import ReportContext

STANDARD_OUTPUT = Path("-")
FORMATS_BY_SUFFIX = {".txt": "text", ".md": "markdown", ".html": "html", ".htm": "html", ".json": "json", ".csv": "csv"}


def form_of(chosen: str | None, output: Path | None) -> str:
    """The chosen format, else that of the file's ending, else text.

    Raises BadParameter when the ending is unknown or contradicts the choice.
    """
    suffix = output.suffix.lower() if output else ""
    if chosen is None and suffix and suffix not in FORMATS_BY_SUFFIX:
        raise typer.BadParameter(
            f"--output: the ending {suffix} is no format. Use {', '.join(FORMATS_BY_SUFFIX)},"
            " or name a format with --format."
        )
    named = FORMATS_BY_SUFFIX.get(suffix)
    if chosen and named and chosen != named and (chosen, named) != ("extended", "json"):  # extended is JSON too
        raise typer.BadParameter(
            f"--format {chosen} and the ending {suffix} of --output contradict each other: leave one out."
        )
    return chosen or named or "text"


def show(
    context: typer.Context,
    name: str,
    answer: Callable[["ReportContext"], "Report | Iterable[str]"],
    listener: str | None,
    chosen: str | None,
    output: Path | None,
) -> None:
    """Make the report, and write it to the terminal or the file.

    name: a key of REPORTS. answer: makes the report, or yields it in pieces of text. chosen: value of --format.
    Raises BadParameter, SettingsError, EmbeddedError, WarehouseError, ListenerError, ReadingError and ReportError.
    """
    form = form_of(chosen, output)
    if output == STANDARD_OUTPUT:
        output = None
    with quick_imports():
        from etl.cli.reading import opened_to_read
        from etl.reports.formats import output as formats
        from etl.reports.model import SpanError

    formats.must_be_writable(output)
    with opened_to_read(context) as (settings, warehouse, clock):
        try:
            formats.show(warehouse, settings, name, answer, listener, form, output, clock)
        except SpanError as error:
            raise typer.BadParameter(str(error)) from None
    if output is not None:
        typer.echo(f"Written: {output}")
