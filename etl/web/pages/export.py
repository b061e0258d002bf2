"""The whole history to take away, as CSV, JSON, or in the layout of Spotify's own export."""

import tempfile
from collections.abc import Iterator
from typing import IO

from fastapi import APIRouter
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from etl.reports.formats.history import lines
from etl.reports.request import ReportContext
from etl.web import rendering
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

IN_MEMORY = 4_000_000  # bytes, before the rest goes to a file without a name
PIECE = 2**16
FILES = {  # name of the file, its form, its type
    "history.csv": ("csv", "text/csv; charset=utf-8"),
    "history.json": ("json", "application/json"),
    "extended-history.json": ("extended", "application/json"),
}


@router.get("/data/export")
def export(visitor: TheVisitor) -> Response:
    """What can be taken away."""
    return rendering.page("export.html", visitor=visitor, path="/data")


@router.get("/data/export/{name}")
def download(name: str, visitor: TheVisitor, site: TheSite) -> Response:
    """A file with every play.

    It is written whole before it is sent, so that a slow reader holds no connection to the database, and an error is an
    answer of its own rather than the end of half a file.
    """
    if name not in FILES:
        raise HTTPException(404, "There is no such file. The page Export has all.")
    form, media_type = FILES[name]
    written = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed once it is sent

    def work(connection: Connection) -> None:
        written.seek(0)
        written.truncate()  # a transaction may be done again
        reporter = ReportContext(connection, visitor.listener, site.clock()).reporter(counts_as="all", row_limit=None)
        filters, about = reporter.history_filters(None, None)
        written.writelines(
            piece.encode() for piece in lines(reporter, form, filters, about, with_sources=form == "extended")
        )

    try:
        site.records.read(visitor.listener_key, work)
    except BaseException:
        written.close()
        raise
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(written.tell())}
    return StreamingResponse(pieces_of(written), media_type=media_type, headers=headers)


def pieces_of(written: IO[bytes]) -> Iterator[bytes]:
    """The file from its beginning, piece by piece; closed at the end."""
    with written:
        written.seek(0)
        while piece := written.read(PIECE):
            yield piece
