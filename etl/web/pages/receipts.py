"""Receipts of imports: what each brought, and taking one back."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from etl.jobs.receipts import COLUMNS, MEANINGS
from etl.jobs.undo import ImportReceipt, UndoError, list_receipts, undo_import
from etl.warehouse.statements import run
from etl.web import rendering
from etl.web.numbers import number_in
from etl.web.sessions import Visitor
from etl.web.visitors import TheSite, TheVisitor

router = APIRouter(include_in_schema=False)


@router.get("/data/receipts")
def receipts(visitor: TheVisitor, site: TheSite) -> Response:
    """All imports of the listener, the latest first."""
    found = list_receipts(site.records.warehouse, visitor.listener_key)
    return rendering.page("receipts.html", visitor=visitor, path="/data", receipts=found)


def one_of(visitor: Visitor, site: TheSite, number: str) -> ImportReceipt:
    """The receipt with this number. Raises HTTPException (404) if the listener has none."""
    wanted = number_in(number)
    for receipt in list_receipts(site.records.warehouse, visitor.listener_key):
        if receipt.receipt == wanted:
            return receipt
    raise HTTPException(404, "You have no import of this number.")


@router.get("/data/receipts/{number}")
def receipt(number: str, visitor: TheVisitor, site: TheSite) -> Response:
    """An import, file by file."""
    found = one_of(visitor, site, number)
    key = {"receipt": found.receipt, "listener_key": visitor.listener_key}
    files = site.records.change(lambda connection: run(connection, "ops/web/receipt_files", **key))
    columns = {
        head: name
        for head, name in COLUMNS.items()
        if head in ("rows", "new") or any(getattr(file, name) for file in files)
    }
    return rendering.page(
        "receipt.html", visitor=visitor, path="/data", one=found, files=files, columns=columns, meanings=MEANINGS
    )


@router.get("/data/receipts/{number}/undo")
def ask(number: str, visitor: TheVisitor, site: TheSite) -> Response:
    """What taking the import back would change."""
    found = one_of(visitor, site, number)
    site.imports.must_be_idle(visitor.listener_key)
    try:
        undone = undo_import(
            site.records.warehouse,
            found.receipt,
            dry_run=True,
            listener_key=visitor.listener_key,
            clock=site.clock,
        )
    except UndoError as error:
        return refused(error)
    return rendering.page("receipt_undo.html", visitor=visitor, path="/data", one=found, undone=undone)


@router.post("/data/receipts/{number}/undo")
def undo(number: str, visitor: TheVisitor, site: TheSite) -> Response:
    """Take the import back."""
    found = one_of(visitor, site, number)
    site.imports.must_be_idle(visitor.listener_key)
    try:
        undo_import(
            site.records.warehouse,
            found.receipt,
            dry_run=False,
            listener_key=visitor.listener_key,
            clock=site.clock,
        )
    except UndoError as error:
        return refused(error)
    return RedirectResponse(f"/data/receipts/{found.receipt}", 303)


def refused(error: UndoError) -> Response:
    text = str(error).replace(" with --again: that adds no play, and then", ": that adds no play, and then")
    return rendering.message("It can't be taken back", text, status=409, again=("/data/receipts", "Receipts"))
