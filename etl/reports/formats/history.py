"""The whole history as CSV, JSON or Spotify's own layout, in flat memory."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from etl.json_text import json_text
from etl.reports.formats.data import as_iso, as_json, cell
from etl.reports.model import Section
from etl.reports.query import NO_FILTER, Reporter
from etl.reports.sections import SECTIONS
from etl.warehouse.statements import stream

COLUMNS = SECTIONS["history"].columns
LAYOUT_OF = "extended_export"  # the source whose files have the layout `extended`
PIECE = 100_000  # characters of a piece of CSV


def lines(
    reporter: Reporter, form: str, filters: Mapping[str, Any], about: str, *, with_sources: bool = False
) -> Iterator[str]:
    """The whole history in pieces of text, to be written one after another.

    form: `csv` or `json`, newest first, or `extended`, Spotify's own layout, oldest first. filters: some
    of NO_FILTER. about: the end of its title. with_sources: of extended, a row for each source of a play.
    """
    if form == "extended":
        yield from as_extended(reporter, with_sources=with_sources)
        return
    parameters = {**reporter.parameters, **NO_FILTER, **filters, "row_offset": 0}
    rows = stream(reporter.connection, "reports/history", **parameters)
    if form == "csv":
        yield from as_csv(rows)
        return
    reporter.count_left_out(artist_key=filters.get("artist_key"), recording_key=filters.get("recording_key"))
    whole = as_json(
        reporter.report("history", f"Everything played{about}", Section("history", "Everything played", COLUMNS, ()))
    )
    head, _, tail = whole.partition('"rows": []')
    yield f'{head}"rows": '
    yield from as_list(dict(zip(COLUMNS, row, strict=False)) for row in rows)  # without the keys that follow
    yield tail


def as_csv(rows: Iterator[Any]) -> Iterator[str]:
    """CSV with its head, in pieces of some PIECE characters."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([cell(value) for value in row[: len(COLUMNS)]])
        if written.tell() > PIECE:
            yield written.getvalue()
            written.seek(0)
            written.truncate()
    yield written.getvalue()


def as_extended(reporter: Reporter, *, with_sources: bool) -> Iterator[str]:
    """A JSON list in the layout of Spotify's extended streaming history.

    One row a play, dated to the second; where no source reports its milliseconds, ms_played is estimated.
    With sources: one row an observation, from which `import` makes the same plays again. An observation of the
    recently-played list has a ms_played of null and a date with milliseconds; one of the account export has its names
    and minute. In both forms a row of another source than the extended export has a key that Spotify does not know,
    brapped_source.
    """
    parameters = {**reporter.parameters, "with_sources": with_sources, "layout_of": LAYOUT_OF}
    rows = map(extended_row, stream(reporter.connection, "reports/history_extended", **parameters))
    yield from as_list(rows)
    yield "\n"


def extended_row(row: Any) -> dict[str, Any]:
    """The row as Spotify would write it; brapped_source stays only where it says something."""
    columns: dict[str, Any] = row._asdict()
    if columns["brapped_source"] is None:
        del columns["brapped_source"]
    return columns


def as_list(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """A JSON list with one object on each line, in pieces."""
    before = "[\n"
    for row in rows:
        yield before + json_text(row, default=as_iso, separators=(",", ":"))
        before = ",\n"
    yield "[]" if before == "[\n" else "\n]"
