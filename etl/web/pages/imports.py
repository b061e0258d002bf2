"""Bring in the past by upload: a dry run that says what it would bring, and the import once that is confirmed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import RedirectResponse, Response

from etl.jobs import features
from etl.jobs.receipts import COLUMNS, MEANINGS, line, names_of
from etl.web import rendering
from etl.web.imports_under_way import UnderWay, warnings_of
from etl.web.private_folder import safe_name
from etl.web.security import LARGEST_UPLOAD
from etl.web.sessions import Visitor
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)

MOST_FILES = 200
STATE = "/data/import/state"
AGAIN = ("/data/import", "Back")


@router.get("/data/import")
def choose(visitor: TheVisitor, site: TheSite) -> Response:
    """The form. Where an import is under way, its state."""
    one = site.imports.of(visitor.listener_key)
    if one is not None and one.is_running:
        return RedirectResponse(STATE, 303)
    return form(visitor)


def form(visitor: Visitor, problem: str = "", status: int = 200) -> Response:
    megabytes = LARGEST_UPLOAD // 2**20
    return rendering.page(
        "import.html", status=status, visitor=visitor, path="/data", problem=problem, megabytes=megabytes
    )


@router.post("/data/import")
async def upload(request: Request, visitor: TheVisitor, site: TheSite) -> Response:
    """Take the files, and begin the dry run. The body is read only once it is known whose it is."""
    async with request.form(max_files=MOST_FILES, max_fields=10) as sent:
        return await run_in_threadpool(taken, sent, visitor, site)


def taken(sent: FormData, visitor: Visitor, site: TheSite) -> Response:
    """Keep the files that were sent in a folder of their own, and begin."""
    site.imports.must_be_idle(visitor.listener_key)
    files = [one for one in sent.getlist("files") if isinstance(one, UploadFile) and one.filename]
    if not files:
        return form(visitor, "Choose the files first: the zip that Spotify sent, or the files within it.", 400)
    folder = site.imports.uploads.new()
    try:
        paths = [kept(one, folder / str(number)) for number, one in enumerate(files)]
        of_features = any(features.are_features(paths))
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        return form(visitor, "The server could not keep the files: its disk may be full. Nothing was imported.", 507)
    if of_features:
        shutil.rmtree(folder, ignore_errors=True)
        return form(
            visitor,
            "A file holds audio features. They are everybody's here, so who runs the server imports them, with brapped"
            " import. Nothing was imported.",
            400,
        )
    site.imports.begin(
        visitor.listener,
        folder,
        paths,
        without_private=sent.get("without_private") == "yes",
        again=sent.get("again") == "yes",
    )
    return RedirectResponse(STATE, 303)


def kept(file: UploadFile, folder: Path) -> Path:
    """Write a file that was uploaded into a new folder, so that two of one name stay apart. Raises OSError."""
    folder.mkdir(mode=0o700)
    path = folder / safe_name(file.filename)
    with path.open("xb") as written:
        shutil.copyfileobj(file.file, written, 2**20)
    return path


@router.get(STATE)
def state(visitor: TheVisitor, site: TheSite) -> Response:
    """How far the import is: what the dry run found, with a button; at the end the receipt."""
    return shown("import_state.html", visitor, site.imports.of(visitor.listener_key))


@router.get("/data/import/progress")
def progress(visitor: TheVisitor, site: TheSite) -> Response:
    """The same as a part of the page, which asks for itself again as long as the import runs."""
    return shown("import_part.html", visitor, site.imports.of(visitor.listener_key))


def shown(template: str, visitor: Visitor, one: UnderWay | None) -> Response:
    receipt = one.receipt if one else None
    files = receipt.files if receipt else ()
    return rendering.page(
        template,
        visitor=visitor,
        path="/data",
        one=one,
        receipt=receipt,
        names=names_of(files),
        columns={head: name for head, name in COLUMNS.items() if is_shown(head, files)},
        meanings=MEANINGS,
        line=line(receipt).partition("; nothing was changed")[0] if receipt else "",
        warnings=warnings_of(receipt) if receipt else (),
    )


def is_shown(head: str, files: Sequence[object]) -> bool:
    """Whether a column of the receipt has anything to say."""
    return head in ("rows", "new") or any(getattr(file, COLUMNS[head]) for file in files)


@router.post("/data/import/confirm")
def confirm(visitor: TheVisitor, site: TheSite) -> Response:
    """Import what the dry run has shown."""
    if not site.imports.confirm(visitor.listener_key):
        return rendering.message(
            "There is nothing to import",
            "The upload was imported, declined, or deleted after an hour without an answer. Upload it again.",
            status=409,
            again=AGAIN,
        )
    return RedirectResponse(STATE, 303)


@router.post("/data/import/decline")
def decline(visitor: TheVisitor, site: TheSite) -> Response:
    """Delete what was uploaded."""
    site.imports.drop(visitor.listener_key)
    return RedirectResponse("/data/import", 303)
