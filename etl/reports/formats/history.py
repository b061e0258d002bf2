"""The whole history as CSV, JSON or Spotify's own layout, in flat memory."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from etl.reports.formats.data import as_json, cell, plain
from etl.reports.query import Reporter, Section
from etl.warehouse.statements import stream

COLUMNS = (
    "played_at", "track_name", "artist_names", "album_name", "content_type", "listened_ms", "ms_basis", "is_skipped",
    "is_private", "context_uri", "platform", "sources", "track_uri", "track_url",
)  # fmt: skip


def lines(
    reporter: Reporter, form: str, filters: dict[str, int | None], about: str, *, with_sources: bool = False
) -> Iterator[str]:
    """All of it as csv, json or extended (Spotify's own layout, oldest first), in pieces to be written one after another.

    `with_sources`: of extended, a row for each source of a play.
    """
    if form == "extended":
        yield from as_extended(reporter, with_sources=with_sources)
        return
    asked = {**reporter.parameters, **filters, "row_offset": 0}
    rows = stream(reporter.connection, "reports/history", **asked)
    if form == "csv":
        yield from as_csv(rows)
        return
    whole = as_json(
        reporter.report("history", f"Everything played{about}", Section("history", "Everything played", COLUMNS, ()))
    )
    head, _, tail = whole.partition('"rows": []')
    yield f'{head}"rows": '
    yield from as_list(row._asdict() for row in rows)
    yield tail


def as_csv(rows: Iterator[Any]) -> Iterator[str]:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        if written.tell() > 100_000:
            yield written.getvalue()
            written.seek(0)
            written.truncate()
    yield written.getvalue()


def as_extended(reporter: Reporter, *, with_sources: bool) -> Iterator[str]:
    """Rows as in Spotify's extended streaming history: one row a play, to the second, in milliseconds that were estimated
    where none were reported.

    With sources: what `import` takes back to the same plays. What another source told is a row of its own then: of the
    recently-played list with a ms_played of null and the milliseconds of its date, of the account export by its names and
    minute. In both forms a key that Spotify does not have (brapped_source) says so of rows of another source.
    """
    asked = {**reporter.parameters, "with_sources": with_sources}
    rows = (told(row) for row in stream(reporter.connection, "reports/history_extended", **asked))
    yield from as_list(rows)
    yield "\n"


def told(row: Any) -> dict[str, Any]:
    """The row as Spotify would write it, and the key of ours only where it is needed."""
    columns: dict[str, Any] = row._asdict()
    if columns["brapped_source"] is None:
        del columns["brapped_source"]
    return columns


def as_list(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """A JSON list with an object a line."""
    before = "[\n"
    for row in rows:
        yield before + json.dumps(row, default=plain, ensure_ascii=False, separators=(",", ":"))
        before = ",\n"
    yield "[]" if before == "[\n" else "\n]"
