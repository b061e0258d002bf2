"""The year, wrapped; all years in one; and one year against another."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from etl.reports.beside import keys_of, other_span, places
from etl.reports.formats.html import values_of
from etl.reports.model import FEW, Report, Section
from etl.reports.query import COUNTED, Reporter
from etl.reports.request import ReportContext
from etl.warehouse.statements import run
from etl.web import rendering
from etl.web.asked import missing, number_of, reporter_of
from etl.web.ranks import Moved, movements
from etl.web.sessions import Visitor
from etl.web.spans import EARLIEST, LATEST, Span, year_span
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

KINDS = ("artists", "tracks", "albums", "genres")
TOTALS = {
    "play_count": "Plays",
    "listened_ms": "Time",
    "track_count": "Tracks",
    "artist_count": "Artists",
    "day_count": "Days",
}


@router.get("/wrapped")
def newest(visitor: TheVisitor, site: TheSite) -> Response:
    """To the newest year with a play."""

    def work(connection: Connection) -> int:
        return ReportContext(connection, visitor.listener, site.clock()).last_year()

    return RedirectResponse(f"/wrapped/{site.records.read(visitor.listener_key, work)}", 303)


@router.get("/wrapped/{year}")
def wrapped(year: str, visitor: TheVisitor, site: TheSite) -> Response:
    """A year, or `all`."""
    span = None if year == "all" else span_of_year(year)

    def work(connection: Connection) -> tuple[Report, list[int]]:
        report = reporter_of(connection, visitor, site, span).wrapped(int(year) if span else None)
        return report, years_of(connection, visitor)

    report, years = site.records.read(visitor.listener_key, work)
    return rendering.page(
        "wrapped_page.html",
        visitor=visitor,
        path="/wrapped",
        year=year,
        years=years,
        of_what="the year" if span else "all years",
        **values_of(report),
    )


@dataclass(frozen=True)
class Against:
    """Two years: the report of each, None where nothing is recorded, and how the later places differ from the earlier."""

    report: Report
    other: Report | None
    moves: dict[str, list[Moved | None]]
    years: list[int]


@router.get("/years/{other}/{year}")
def against(other: str, year: str, visitor: TheVisitor, site: TheSite) -> Response:
    """A year, on the right, against another one."""
    span, beside_span = span_of_year(year), span_of_year(other)
    if span == beside_span:
        return RedirectResponse(f"/wrapped/{year}", 303)

    def work(connection: Connection) -> Against:
        reporter = reporter_of(connection, visitor, site, span, row_limit=FEW)
        report = report_of(reporter, year)
        keys = {kind: keys_of(report.section(f"top_{kind}"), kind) for kind in KINDS}
        beside = other_span(reporter, *days_of(beside_span))
        earlier: dict[str, dict[Any, int]] = {}
        other_report = None
        if beside is not None:
            other_report = report_of(beside, other)
            earlier = {kind: places(beside, kind, keys[kind]) for kind in KINDS if keys[kind]}
        moves = {kind: movements(keys[kind], 1, earlier.get(kind)) for kind in KINDS}
        return Against(report, other_report, moves, years_of(connection, visitor))

    found = site.records.read(visitor.listener_key, work)
    return rendering.page(
        "years.html",
        visitor=visitor,
        path="/wrapped",
        year=year,
        other=other,
        years=found.years,
        kinds=KINDS,
        totals=TOTALS,
        moves=found.moves,
        other_parts=values_of(found.other)["parts"] if found.other else {},
        **values_of(found.report),
    )


def report_of(reporter: Reporter, year: str) -> Report:
    """What is compared of a year."""
    reporter.prepare(*COUNTED)
    sections: list[Section] = list(reporter.sections_of("year against year"))
    return reporter.report("years", year, *sections)


def span_of_year(text: str) -> Span:
    """A year in a path. Raises HTTPException (404)."""
    year = number_of(text, LATEST.year)
    if year is None or year < EARLIEST.year:
        missing("There is no such year.")
    return year_span(str(year))


def days_of(span: Span) -> tuple[date, date]:
    """First and last day of a span that has both."""
    return span.since or EARLIEST, span.until or LATEST


def years_of(connection: Connection, visitor: Visitor) -> list[int]:
    """The years in which the listener played something, the latest first."""
    return [row.year for row in run(connection, "reports/shared/years_played", listener_key=visitor.listener_key)]
