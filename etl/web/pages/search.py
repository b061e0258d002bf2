"""Find artists, albums and tracks among what one has played."""

from fastapi import APIRouter, Request
from sqlalchemy import Connection
from starlette.responses import Response

from etl.reports.formats.html import values_of
from etl.reports.model import Report
from etl.web import rendering
from etl.web.asked import refused, reporter_of
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

ROWS = 20  # of each kind
LONGEST = 200  # characters


@router.get("/search")
def search(request: Request, visitor: TheVisitor, site: TheSite) -> Response:
    """What has a name like this, among all plays."""
    text = request.query_params.get("q", "").strip()
    if len(text) > LONGEST or not text.isprintable():
        refused(f"What is searched for has at most {LONGEST} characters, all of them printable.")
    values = {}
    if text:

        def work(connection: Connection) -> Report:
            reporter = reporter_of(connection, visitor, site, counts_as="all", row_limit=ROWS)
            return reporter.report("search", "Found", *reporter.sections_of("found", search_text=text))

        values = values_of(site.records.read(visitor.listener_key, work))
    return rendering.page("search.html", visitor=visitor, path="/search", text=text, found=values.get("parts", {}))
