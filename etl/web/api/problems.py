"""Refusals of the API: application/problem+json, RFC 9457, with a sentence for people."""

import logging
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette._utils import get_route_path
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from etl.warehouse.errors import WarehouseError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "The request can't be read",
    401: "A key is needed",
    403: "This is not allowed",
    404: "There is no such thing",
    405: "This can't be done here",
    409: "This does not go with what is recorded",
    413: "The request is too large",
    422: "The conditions contradict each other",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "The database does not answer",
}


class Problem(Exception):
    """A refusal, with the sentence that its `detail` gets. `errors`: a sentence for each field at fault."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        errors: list[dict[str, str]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.headers = headers
        self.errors = errors


def problem(
    status: int, detail: str, headers: dict[str, str] | None = None, errors: list[dict[str, str]] | None = None
) -> Response:
    """The answer. Its type is about:blank: the status says what kind it is."""
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": TITLES.get(status, "This can't be done here"),
        "status": status,
        "detail": detail,
    }
    if errors is not None:
        told["errors"] = errors
    return JSONResponse(told, status, headers, media_type=MEDIA_TYPE)


def nothing_here(what: str) -> Problem:
    """404 for what does not exist, or belongs to another listener: both read the same."""
    return Problem(404, f"Your record has no such {what}.")


def refused(request: Request, error: Any) -> Response:
    """A Problem that a route raised."""
    return problem(error.status, str(error), error.headers, error.errors)


def unread(request: Request, error: Any) -> Response:
    """400 with a sentence for each parameter or field at fault. Values are not repeated."""
    assert isinstance(error, RequestValidationError)
    found: dict[str, str] = {}
    for one in error.errors():
        where = one["loc"][0]
        name = ".".join(str(part) for part in one["loc"][1:2]) if one["type"] != "json_invalid" else ""
        found.setdefault(f"{where} {name}".strip(), sentence_of(one))
    errors = [{"field": field, "detail": sentence} for field, sentence in found.items()]
    return problem(400, " ".join(f"{one['field']}: {one['detail']}" for one in errors), None, errors)


def sentence_of(error: Any) -> str:
    """What pydantic found, as a sentence without the value."""
    match error["type"]:
        case "extra_forbidden":
            words = "this name is unknown here"
        case "json_invalid":
            words = "this is not JSON"
        case "missing":
            words = "this is missing"
        case _:
            words = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def answered_otherwise(request: Request, error: Any) -> Response:
    """404 and 405 of the router, and what FastAPI itself refuses. 405 lists what this address does take."""
    assert isinstance(error, HTTPException)
    if error.status_code == 404:
        return problem(404, "There is no such address in the API. /api lists them all.")
    if error.status_code == 405:
        allowed = sorted(methods_of(request))
        return problem(405, f"This address takes {', '.join(allowed)}.", {"Allow": ", ".join(allowed)})
    return problem(error.status_code, f"{str(error.detail).rstrip('.')}.", dict(error.headers or {}))


def methods_of(request: Request) -> set[str]:
    """What the address of the request takes: the methods of every route with this path."""
    found: set[str] = set()
    for pattern, methods in request.app.state.addresses:
        if pattern.match(get_route_path(request.scope)):
            found |= methods
    return found | ({"HEAD"} if "GET" in found else set())


def database_away(request: Request, error: Any) -> Response:
    """Postgres does not answer, or refuses. The log has the reason, which names no value."""
    assert isinstance(error, WarehouseError)
    log.error("%s", error)
    return problem(
        503,
        "The database does not answer, so nothing was read or changed. One that sleeps needs a few seconds: ask again.",
        {"Retry-After": "5"},
    )
