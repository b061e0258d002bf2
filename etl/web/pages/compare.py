"""Compare two listeners who both agree to it."""

from functools import partial
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from etl.reports.request import ReportContext
from etl.warehouse.listeners import RecordedListener
from etl.warehouse.statements import run
from etl.warehouse.time_zones import zone_named
from etl.web import rendering
from etl.web.comparison import compared
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

DEPTH = 500  # rows of each ranking
SHOWN = 25
KINDS = (("artists", "artist_name"), ("tracks", "track_name"))
Rankings = dict[str, list[dict[str, Any]]]


@router.get("/compare")
def choose(visitor: TheVisitor, site: TheSite) -> Response:
    """The others who may be compared with."""
    others = site.records.change(lambda connection: comparable(connection, visitor.listener_key))
    return rendering.page("compare.html", visitor=visitor, path="/compare", others=others)


@router.get("/compare/{listener_key}")
def compare(listener_key: int, visitor: TheVisitor, site: TheSite) -> Response:
    """Two listeners side by side, if both agree; each is read in a transaction of their own."""
    others = site.records.change(lambda connection: comparable(connection, visitor.listener_key, listener_key))
    if not others:
        return rendering.message(
            "Nobody to compare with", "There is no such listener here who agrees to be compared.", status=404
        )
    [other] = others
    zone = zone_named(other.time_zone)
    there = RecordedListener(other.listener_key, other.listener_id, other.listener_name, zone)
    both = [
        rankings(site, listener, counts_as)
        for listener, counts_as in ((visitor.listener, visitor.counts_as), (there, other.counts_as))
    ]
    compared_by = {kind: compared((both[0][kind], both[1][kind]), name) for kind, name in KINDS}
    return rendering.page(
        "comparison.html",
        visitor=visitor,
        path="/compare",
        other=there.listener_name or there.listener_id,
        compared=compared_by,
        shown=SHOWN,
    )


def comparable(connection: Connection, listener_key: int, other_listener_key: int | None = None) -> list[Any]:
    """The rows of sql/ops/web/comparable.sql."""
    both = {"listener_key": listener_key, "other_listener_key": other_listener_key}
    return run(connection, "ops/web/comparable", **both)


def rankings(site: TheSite, listener: RecordedListener, counts_as: str) -> Rankings:
    """What a listener plays most of all time, by kind. A transaction each, because each has tables of its own."""

    def top(connection: Connection, kind: str) -> list[dict[str, Any]]:
        context = ReportContext(connection, listener, site.clock())
        report = context.reporter(counts_as=counts_as, row_limit=DEPTH).top(kind)
        return report.section(f"top_{kind}").records()

    return {kind: site.records.read(listener.listener_key, partial(top, kind=kind)) for kind, _ in KINDS}
