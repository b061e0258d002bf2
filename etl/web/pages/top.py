"""The most played tracks, artists, albums, genres and shows of any span, page after page."""

from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import RedirectResponse, Response

from etl.reports.beside import keys_of, other_span, places
from etl.reports.formats.html import values_of
from etl.reports.model import Report
from etl.web import rendering
from etl.web.asked import choice_in, missing, number_in, reporter_of, span_in, today_of
from etl.web.ranks import Moved, movements
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

PAGE = 50  # rows
MOST_PAGES = 100_000
KINDS = {"tracks": "Tracks", "artists": "Artists", "albums": "Albums", "genres": "Genres", "shows": "Podcasts"}
ORDERS = {"plays": "By plays", "time": "By time"}


@dataclass(frozen=True)
class Ranking:
    """A page of a ranking. `first_place`: of its first row. `total_count`: rows of all pages; None on an empty page."""

    report: Report
    moves: list[Moved | None]
    first_place: int
    total_count: int | None
    is_more: bool


@router.get("/top")
def top_of_all(request: Request, visitor: TheVisitor) -> Response:
    """To the tracks, of the same span."""
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/top/tracks{query}", 303)


@router.get("/top/{kind}")
def top(kind: str, request: Request, visitor: TheVisitor, site: TheSite) -> Response:
    """A page of a ranking, with the places in the span before."""
    if kind not in KINDS:
        missing(f"There are rankings of {', '.join(KINDS)}.")
    span = span_in(request, visitor, site)
    order = choice_in(request, "by", ORDERS, "plays")
    number = number_in(request, "page", MOST_PAGES) or 1
    before = span.before(today_of(visitor, site))
    first_place = (number - 1) * PAGE + 1

    def work(connection: Connection) -> Ranking:
        reporter = reporter_of(connection, visitor, site, span, by=order, row_limit=PAGE + 1)
        report = reporter.top(kind, first_place - 1)
        [section] = report.sections
        shown = replace(section, rows=section.rows[:PAGE])
        keys = keys_of(shown, kind)
        earlier: dict[Any, int] | None = None
        if keys and before and before.since and before.until:
            beside = other_span(reporter, before.since, before.until)
            if beside is not None:
                beside.prepare("report_track", *(["report_credit"] if kind in {"artists", "genres"} else []))
                earlier = places(beside, kind, keys)
        return Ranking(
            replace(report, sections=(shown,)),
            movements(keys, first_place, earlier),
            first_place,
            section.first.get("total_count"),
            len(section.rows) > PAGE,
        )

    ranking = site.records.read(visitor.listener_key, work)
    if number > 1 and not ranking.moves:
        missing("The ranking has no more pages.")
    kept = {"by": order} if order != "plays" else {}
    return rendering.page(
        "top.html",
        visitor=visitor,
        path="/top",
        span=span,
        before=before,
        address=f"/top/{kind}",
        kind=kind,
        kinds=KINDS,
        order=order,
        orders=ORDERS,
        kept=kept,
        number=number,
        ranking=ranking,
        query=urlencode([*span.given, *kept.items()]),
        **values_of(ranking.report),
    )
