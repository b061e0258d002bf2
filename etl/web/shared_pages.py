"""What a shared link shows: its report, and the picture of it."""

from datetime import datetime

from sqlalchemy import Connection

from etl.reports.model import Report
from etl.reports.request import ReportContext
from etl.web.cards import Card, Ranking
from etl.web.sharing import Link, SharedPage

MOST_ROWS = 50
SECTIONS = ("top_artists", "top_tracks", "top_albums", "top_genres", "top_shows")
HEADS = {
    "artists": "Top artists",
    "tracks": "Top tracks",
    "albums": "Top albums",
    "genres": "Top genres",
    "shows": "Podcasts",
}


def report_of(connection: Connection, link: Link, now: datetime) -> Report:
    """The report of a shared page, wrapped or top; rules of the listener are kept. Raises ReportError."""
    page = link.page
    context = ReportContext(connection, link.listener, now)
    limit = MOST_ROWS if page.name == "top" else 10
    reporter = context.reporter(counts_as=link.counts_as, by=page.by, row_limit=limit, **page.days)
    if page.name == "top":
        return reporter.top(page.kind)
    return reporter.wrapped(page.year)


def card_of(report: Report, page: SharedPage, who: str) -> Card:
    """The picture of a shared page in its numbers and names. Pure."""
    totals = report.section("span_totals").first
    number, unit = "", ""
    if totals.get("listened_ms"):
        number, unit = f"{round(totals['listened_ms'] / 60_000):,}", "minutes"
    elif totals.get("play_count"):
        number, unit = f"{totals['play_count']:,}", "plays"
    return Card(report.title, who, number, unit, [*rankings_of(report)])


def rankings_of(report: Report) -> list[Ranking]:
    """The lists of a report that have names, in the order of SECTIONS. Pure."""
    found = []
    for kind, name in zip(HEADS, SECTIONS, strict=True):
        records = report.section(name).records()
        column = f"{kind.removesuffix('s')}_name"
        names = [record[column] for record in records if record.get(column)]
        if names:
            found.append(Ranking(HEADS[kind], names))
    return found
