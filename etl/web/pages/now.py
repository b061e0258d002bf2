"""The start page: today, what plays, and how fresh the record is."""

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.responses import Response

from etl.reports.formats.html import values_of
from etl.reports.model import Report
from etl.reports.request import ReportContext
from etl.web import rendering
from etl.web.playing import playing_of
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)


@router.get("/")
def start(visitor: TheVisitor, site: TheSite) -> Response:
    """Today, by the listener's clock."""

    def work(connection: Connection) -> Report:
        context = ReportContext(connection, visitor.listener, site.clock())
        today = context.day("today")
        return context.reporter(counts_as=visitor.counts_as, since_date=today, until_date=today).daily(today)

    report = site.records.read(visitor.listener_key, work)
    playing = playing_of(site, visitor.listener_key)
    return rendering.page("now.html", visitor=visitor, path="/", playing=playing, **values_of(report))


@router.get("/now/playing")
def playing(visitor: TheVisitor, site: TheSite) -> Response:
    """The part of the start page that says what plays; it is fetched again and again."""
    return rendering.page("playing.html", visitor=visitor, playing=playing_of(site, visitor.listener_key))
