"""A span at a glance, beside the span before: totals, rankings, calendar, clock, months, and what was discovered."""

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from etl.reports.beside import keys_of, other_span, places
from etl.reports.formats.html import values_of
from etl.reports.model import FEW, Report
from etl.web import rendering
from etl.web.asked import reporter_of, span_in, today_of
from etl.web.ranks import Moved, movements
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

KINDS = ("artists", "tracks", "albums", "genres")


@dataclass(frozen=True)
class Overview:
    """A report, the totals of the span before (empty where they are not known), and the movements in each ranking."""

    report: Report
    totals_before: dict[str, Any]
    moves: dict[str, list[Moved | None]]


@router.get("/overview")
def overview(request: Request, visitor: TheVisitor, site: TheSite) -> Response:
    """Any span, with the span of the same length before."""
    span = span_in(request, visitor, site)
    before = span.before(today_of(visitor, site))

    def work(connection: Connection) -> Overview:
        reporter = reporter_of(connection, visitor, site, span, row_limit=FEW)
        report = reporter.overview()
        keys = {kind: keys_of(report.section(f"top_{kind}"), kind) for kind in KINDS}
        earlier: dict[str, dict[Any, int]] = {}
        totals: dict[str, Any] = {}
        beside = other_span(reporter, before.since, before.until) if before and before.since and before.until else None
        if beside is not None:
            beside.prepare()
            totals = beside.fetch("span_totals").first
            earlier = {kind: places(beside, kind, keys[kind]) for kind in KINDS if keys[kind]}
        return Overview(report, totals, {kind: movements(keys[kind], 1, earlier.get(kind)) for kind in KINDS})

    found = site.records.read(visitor.listener_key, work)
    return rendering.page(
        "overview.html",
        visitor=visitor,
        path="/overview",
        address="/overview",
        span=span,
        before=before,
        kept={},
        kinds=KINDS,
        totals_before=found.totals_before,
        moves=found.moves,
        **values_of(found.report),
    )
