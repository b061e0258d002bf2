"""An artist, an album, a track, a genre or a context, such as a playlist, through the years."""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter
from sqlalchemy import Connection, Row
from starlette.responses import RedirectResponse, Response

from etl.reports.about import about
from etl.reports.formats.html import values_of
from etl.reports.model import Report
from etl.warehouse.statements import run
from etl.web import rendering
from etl.web.asked import key_of, missing, reporter_of
from etl.web.contexts import context_in_words
from etl.web.sessions import Visitor
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

ROWS = 20  # most played tracks of an artist and the like
FOLDERS = {"artist": "artists", "track": "tracks", "album": "albums", "genre": "genres", "context": "contexts"}
NONE = "You have never played this."


@router.get("/artists/{key}")
def artist(key: str, visitor: TheVisitor, site: TheSite) -> Response:
    """An artist, main or featured."""
    return page_about("artist", key_of(key, NONE), visitor, site)


@router.get("/tracks/{key}")
def track(key: str, visitor: TheVisitor, site: TheSite) -> Response:
    """A recording, by any of its tracks."""
    return page_about("track", key_of(key, NONE), visitor, site)


@router.get("/albums/{key}")
def album(key: str, visitor: TheVisitor, site: TheSite) -> Response:
    """An album in all its editions, or a show."""
    return page_about("album", key_of(key, NONE), visitor, site)


@router.get("/contexts/{key}")
def context(key: str, visitor: TheVisitor, site: TheSite) -> Response:
    """From where something was played: a playlist, mostly."""
    return page_about("context", key_of(key, NONE), visitor, site)


@router.get("/genres/{name:path}")
def genre(name: str, visitor: TheVisitor, site: TheSite) -> Response:
    """A genre, of the main artists of what was played."""
    if "\x00" in name:
        missing(NONE)
    return page_about("genre", name, visitor, site)


def page_about(kind: str, key: Any, visitor: Visitor, site: Any) -> Response:
    """The page of what the listener has played; 404 for what they have not, whoever else has."""

    def work(connection: Connection) -> tuple[Row[Any], Report | None]:
        rows = run(connection, f"ops/web/about_{kind}", listener_key=visitor.listener_key, key=key)
        if not rows:
            missing(NONE)
        [row] = rows
        if row.key != key:
            return row, None
        title = context_in_words(row) if kind == "context" else row.name or "Without a name"
        reporter = reporter_of(connection, visitor, site, row_limit=ROWS)
        return row, about(reporter, kind, title, row.key, getattr(row, "track_key", None))

    row, report = site.records.read(visitor.listener_key, work)
    if report is None:  # a key beside the one that plays are counted for
        return RedirectResponse(f"/{FOLDERS[kind]}/{quote(str(row.key), safe='')}", 303)
    return rendering.page("about.html", visitor=visitor, kind=kind, thing=row._mapping, **values_of(report))
