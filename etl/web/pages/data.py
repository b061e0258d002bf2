"""The page of one's data: what is recorded, what was lost, what is not recorded, how fresh it is, and which sources."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, Row
from starlette.responses import Response

from etl.notices import source_in_words, why_lost
from etl.reports import narrative
from etl.reports.formats import coverage_calendar
from etl.reports.model import Report, ReportFilter, Section
from etl.reports.recorded_days import Days, Recorded
from etl.warehouse.statements import run
from etl.web import rendering
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

MOST = 300  # gaps, spans, and runs of days in a table


@dataclass(frozen=True)
class Found:
    """What the page is made of. `spans`: the coverage ledger. `sources`: rows of sql/ops/web/record_sources.sql."""

    freshness: tuple[str, ...]
    runs: list[Days]
    spans: list[Row[Any]]
    sources: list[Row[Any]]


@router.get("/data")
def record(visitor: TheVisitor, site: TheSite) -> Response:
    """What is recorded, through the years."""

    def work(connection: Connection) -> Found:
        whose = {"listener_key": visitor.listener_key}
        now = site.clock()
        [days] = run(connection, "reports/shared/report_record", **whose, now=now)
        recorded = Recorded(days.covered_days, days.lost_days, days.first_date, days.new_since, days.today)
        [fresh] = run(connection, "reports/freshness", **whose)
        report = Report("data", "Your data", now, ReportFilter(visitor.listener), ())
        section = Section("freshness", "", fresh._fields, (tuple(fresh),))
        spans = run(connection, "reports/coverage", **whose, since="-infinity", until="infinity")
        sources = run(connection, "ops/web/record_sources", **whose)
        return Found(tuple(narrative.freshness(section, report)), recorded.of(None, None), spans, sources)

    found = site.records.read(visitor.listener_key, work)
    latest = sorted(found.spans, key=lambda span: span.starts_at, reverse=True)
    return rendering.page(
        "data.html",
        visitor=visitor,
        path="/data",
        found=found,
        years=coverage_calendar.years(found.runs),
        legend=coverage_calendar.legend(),
        meanings=coverage_calendar.MEANINGS,
        runs=found.runs[::-1],
        gaps=[span for span in latest if span.state == "gap"],
        covered=[span for span in latest if span.state == "covered"],
        most=MOST,
        why=why_lost,
        named=in_title,
    )


def in_title(source: str) -> str:
    """The name of a source at the beginning of a line."""
    words = source_in_words(source).removeprefix("the ")
    return words[0].upper() + words[1:]
