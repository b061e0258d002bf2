"""The page of one's data: what is recorded, what was lost, what is not recorded, how fresh it is, and which sources."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, Row
from starlette.responses import Response

from etl.notices import source_in_words, why_lost
from etl.reports.formats import coverage_calendar
from etl.reports.formats.html import values_of
from etl.reports.recorded_days import Days
from etl.reports.request import ReportContext
from etl.warehouse.statements import run
from etl.web import rendering
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

MOST = 300  # gaps and runs of days in a table; what is older is in the report history


@dataclass(frozen=True)
class Found:
    """What the page is made of. `spans`: the coverage ledger. `sources`: rows of sql/ops/web/record_sources.sql."""

    freshness: tuple[str, ...]
    runs: list[Days]
    spans: list[dict[str, Any]]
    sources: list[Row[Any]]


@router.get("/data")
def record(visitor: TheVisitor, site: TheSite) -> Response:
    """What is recorded, through the years."""

    def work(connection: Connection) -> Found:
        reporter = ReportContext(connection, visitor.listener, site.clock()).reporter(row_limit=None)
        report = reporter.report("data", "Your data", reporter.fetch("freshness"))
        spans = reporter.fetch("coverage").records()
        sources = run(connection, "ops/web/record_sources", listener_key=visitor.listener_key)
        return Found(values_of(report)["parts"]["freshness"].sentences, report.days, spans, sources)

    found = site.records.read(visitor.listener_key, work)
    latest = sorted(found.spans, key=lambda span: span["starts_at"], reverse=True)
    return rendering.page(
        "data.html",
        visitor=visitor,
        path="/data",
        found=found,
        years=coverage_calendar.years(found.runs),
        legend=coverage_calendar.legend(),
        meanings=coverage_calendar.MEANINGS,
        runs=found.runs[::-1],
        gaps=[span for span in latest if span["state"] == "gap"],
        covered=[span for span in latest if span["state"] == "covered"],
        most=MOST,
        why=why_lost,
        named=in_title,
    )


def in_title(source: str) -> str:
    """The name of a source at the beginning of a line."""
    words = source_in_words(source).removeprefix("the ")
    return words[0].upper() + words[1:]
