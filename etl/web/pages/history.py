"""Every play, newest first: filters, what each source said of a play, and downloads."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import groupby
from typing import IO, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response, StreamingResponse

from etl.reports.formats.history import lines
from etl.reports.formats.html import Cell, cell, values_of
from etl.reports.history import next_plays
from etl.reports.model import Report
from etl.reports.query import span_in_words
from etl.warehouse.statements import run
from etl.web import rendering
from etl.web.asked import ABOUT, LARGEST_KEY, LARGEST_PLAY, missing, number_in, number_of, refused, reporter_of, span_in
from etl.web.contexts import context_in_words
from etl.web.sessions import Visitor
from etl.web.spans import Span
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

PAGE = 50  # rows
LONGEST_SEARCH = 200  # characters
IN_MEMORY = 4_000_000  # bytes of a download before it is kept in a file until it is sent
PIECE = 64 * 1024  # bytes
THINGS = {  # of the query: the filter of a history
    "artist": "artist_key",
    "album": "album_key",
    "track": "recording_key",
    "context": "context_key",
}
SOURCES = {  # of listening.source, for people
    "recently_played": "Spotify's list",
    "player": "the recorder",
    "extended_export": "extended export",
    "account_export": "account data",
}
TYPES = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True)
class Asked:
    """What the address of a history asks for. `kept`: its query without cursor and days. `keys`: of THINGS."""

    span: Span
    filters: dict[str, Any]
    kept: dict[str, str]
    keys: dict[str, int]

    def query(self, without: str = "") -> str:
        """The query of the same history; of one of its filters less."""
        return urlencode([*self.span.given, *((name, value) for name, value in self.kept.items() if name != without)])


@dataclass(frozen=True)
class Play:
    """A play as a row: when by the listener's clock, what, how long, and what else there is to say of it."""

    key: int
    local_at: datetime
    track: Cell
    record: dict[str, Any] = field(repr=False)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Day:
    """A local day with its plays, the newest first."""

    date: date
    plays: list[Play]


@dataclass(frozen=True)
class Page:
    """A page of a history. `names`: of the things it is restricted to, by kind. `cursor`: for the next page."""

    report: Report
    names: dict[str, str]
    cursor: str


@router.get("/history")
def history(request: Request, visitor: TheVisitor, site: TheSite) -> Response:
    """A page of the history under the filters of the address."""
    asked = asked_of(request, visitor, site)
    filters = {**asked.filters, **cursor_of(request.query_params.get("before", ""))}

    def work(connection: Connection) -> Page:
        names = names_of(connection, visitor, asked)
        reporter = reporter_of(connection, visitor, site, asked.span, counts_as="all", row_limit=PAGE)
        section, is_more = next_plays(reporter, filters)
        last = section.records()[-1] if is_more else None
        cursor = f"{last['played_at'].isoformat()}~{last['play_key']}" if last else ""
        return Page(reporter.report("history", "History", section), names, cursor)

    page = site.records.read(visitor.listener_key, work)
    return rendering.page(
        "history.html",
        visitor=visitor,
        path="/history",
        address="/history",
        asked=asked,
        page=page,
        is_first="before_key" not in filters,
        days=list(days_of(page.report)),
        known_sources=SOURCES,
        next_query=urlencode({"before": page.cursor}) if page.cursor else "",
        **values_of(page.report),
    )


@router.get("/history.{form}")
def download(form: str, request: Request, visitor: TheVisitor, site: TheSite) -> Response:
    """The whole history under the same filters, as CSV or JSON."""
    if form not in TYPES:
        missing("A history can be downloaded as csv or json.")
    asked = asked_of(request, visitor, site)

    def work(connection: Connection) -> IO[bytes]:
        names = names_of(connection, visitor, asked)
        reporter = reporter_of(connection, visitor, site, asked.span, counts_as="all", row_limit=None)
        about = "".join(f", {name}" for name in names.values()) + span_in_words(reporter.criteria)
        written = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed when it is sent
        for piece in lines(reporter, form, asked.filters, about):
            written.write(piece.encode("utf-8", "replace"))
        written.seek(0)
        return written

    written = site.records.read(visitor.listener_key, work)
    return StreamingResponse(
        pieces_of(written),
        media_type=TYPES[form],
        headers={"Content-Disposition": f'attachment; filename="brapped-history.{form}"'},
    )


@router.get("/plays/{key}")
def play(key: str, visitor: TheVisitor, site: TheSite) -> Response:
    """A play, and what each source said of it."""
    play_key = number_of(key, LARGEST_PLAY)
    if play_key is None:
        missing("There is no such play.")

    def work(connection: Connection) -> tuple[Any, list[Any]]:
        parameters = {"listener_key": visitor.listener_key, "play_key": play_key}
        rows = run(connection, "ops/web/play", **parameters)
        if not rows:
            missing("There is no such play.")
        return rows[0], run(connection, "ops/web/play_said", **parameters)

    row, said = site.records.read(visitor.listener_key, work)
    return rendering.page(
        "play.html",
        visitor=visitor,
        path="/history",
        play=row,
        track=cell("track_name", row._asdict(), "artist_names", None),
        context=context_in_words(row) if row.context_key else "",
        said=said,
        known_sources=SOURCES,
        zone=visitor.listener.time_zone,
    )


@router.get("/plays")
def plays(visitor: TheVisitor) -> Response:
    """To the history."""
    return RedirectResponse("/history", 303)


def asked_of(request: Request, visitor: Visitor, site: Any) -> Asked:
    """The filters and days of an address. Raises HTTPException (400)."""
    span = span_in(request, visitor, site, "all")
    query = request.query_params
    keys = {kind: key for kind in THINGS if (key := number_in(request, kind, LARGEST_KEY)) is not None}
    search, source = query.get("q", "").strip(), query.get("source", "")
    if len(search) > LONGEST_SEARCH or not search.isprintable():
        refused(f"What is searched for has at most {LONGEST_SEARCH} characters, all of them printable.")
    if source and not re.fullmatch(r"[a-z_]{1,40}", source):
        refused("There is no such source.")
    is_skipped = bool(query.get("skipped"))
    filters: dict[str, Any] = {THINGS[kind]: key for kind, key in keys.items()}
    kept = {kind: str(key) for kind, key in keys.items()}
    for name, column, value in (("q", "search_text", search), ("source", "source_name", source)):
        if value:
            filters[column] = kept[name] = value
    if is_skipped:
        filters["only_skipped"], kept["skipped"] = True, "yes"
    return Asked(span, filters, kept, keys)


def cursor_of(text: str) -> dict[str, Any]:
    """The filter of what is older than the play that a cursor names; none without one. Raises HTTPException (400)."""
    if not text:
        return {}
    moment, _, key = text.partition("~")
    number = number_of(key, LARGEST_PLAY)
    try:
        before_at = datetime.fromisoformat(moment)
    except ValueError:
        before_at = None
    if number is None or before_at is None or before_at.tzinfo is None or not 1990 <= before_at.year <= 2100:
        refused("The address of this page of the history is not whole. Begin with the newest plays.")
    return {"before_at": before_at, "before_key": number}


def names_of(connection: Connection, visitor: Visitor, asked: Asked) -> dict[str, str]:
    """The names of what a history is restricted to; 404 for what this listener has never played."""
    names = {}
    for kind, key in asked.keys.items():
        rows = run(connection, ABOUT[kind], listener_key=visitor.listener_key, key=key)
        if not rows:
            missing("You have never played this.")
        [row] = rows
        asked.filters[THINGS[kind]] = row.key
        names[kind] = context_in_words(row) if kind == "context" else row.name or "Without a name"
    return names


def days_of(report: Report) -> Iterator[Day]:
    """The plays of a page by local day."""
    zone = report.criteria.listener.time_zone if report.criteria else None
    made = [
        Play(
            record["play_key"],
            record["played_at"].astimezone(zone),
            cell("track_name", record, "artist_names", zone),
            record,
            tuple(SOURCES.get(source, source) for source in (record["sources"] or "").split()),
        )
        for record in report.section("history").records()
    ]
    for day, of_day in groupby(made, key=lambda one: one.local_at.date()):
        yield Day(day, list(of_day))


def pieces_of(written: IO[bytes]) -> Iterator[bytes]:
    """The content of a file, which is closed in the end."""
    with written:
        while piece := written.read(PIECE):
            yield piece
