"""Put the web application together: the middlewares, the pages, the API, and how errors look."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware

from etl import __version__
from etl.warehouse.errors import WarehouseError
from etl.web import rendering
from etl.web.api.application import api_of
from etl.web.imports_under_way import Busy
from etl.web.metrics import MetricsMiddleware
from etl.web.pages import (
    about,
    account,
    api_page,
    compare,
    data,
    exclusions,
    export,
    front,
    history,
    imports,
    keys,
    leaving,
    now,
    overview,
    preferences,
    receipts,
    recordings,
    search,
    sharing,
    top,
    wrapped,
)
from etl.web.security import BodyLimit, OwnOriginOnly, RateLimit, SecurityHeaders
from etl.web.site import Site
from etl.web.visitors import LoginNeeded

log = logging.getLogger(__name__)

PAGES = (
    front,
    now,
    overview,
    top,
    history,
    search,
    about,
    wrapped,
    compare,
    data,
    imports,
    receipts,
    exclusions,
    recordings,
    export,
    leaving,
    account,
    preferences,
    keys,
    sharing,
    api_page,
)


def app_of(site: Site) -> FastAPI:
    """The application as ASGI. The pages of FastAPI's own documentation are off: they load from elsewhere."""

    @asynccontextmanager
    async def to_the_end(app: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(site.imports.close)

    app = FastAPI(
        title="Brapped",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=to_the_end,
        middleware=[
            Middleware(MetricsMiddleware, metrics=site.metrics),
            Middleware(SecurityHeaders, is_https=site.is_https),
            Middleware(RateLimit),
            Middleware(OwnOriginOnly, origin=site.url),
            Middleware(BodyLimit),
        ],
    )
    app.state.site = site
    for page in PAGES:
        app.include_router(page.router)
    app.state.api = api_of(site)
    app.mount("/api", app.state.api)
    app.add_exception_handler(LoginNeeded, login_needed)
    app.add_exception_handler(WarehouseError, database_away)
    app.add_exception_handler(HTTPException, not_found)
    app.add_exception_handler(Busy, busy)
    app.add_exception_handler(RequestValidationError, unclear)
    app.add_exception_handler(Exception, failed)
    return app


def login_needed(request: Request, error: Exception) -> Response:
    """Nobody is logged in: pages lead to the front page; what changes something says so."""
    if request.method == "GET":
        return Response(status_code=303, headers={"Location": "/welcome"})
    return rendering.message(
        "You are logged out", "Nothing was changed. Log in, and do it again.", status=401, again=("/welcome", "Log in")
    )


def database_away(request: Request, error: Exception) -> Response:
    """Postgres does not answer, or refuses. The log has the reason, which names no value."""
    log.error("%s", error)
    return rendering.message(
        "The database does not answer",
        "Nothing was changed. A database that sleeps needs a few seconds to wake up: load the page again.",
        status=503,
        again=(request.url.path if request.method == "GET" else "/", "Load it again"),
    )


def not_found(request: Request, error: Any) -> Response:
    """404 and other refusals of a route, as a page."""
    title = "There is no such page" if error.status_code == 404 else "This can't be done here"
    return rendering.message(title, str(error.detail), status=error.status_code, again=("/", "Start"))


def unclear(request: Request, error: Exception) -> Response:
    """A form or an address says something of another kind than it has room for."""
    return rendering.message(
        "This can't be read",
        "A field holds something else than it is for. Nothing was changed.",
        status=400,
        again=("/", "Start"),
    )


def busy(request: Request, error: Exception) -> Response:
    """An import of this listener is under way, and what was asked for would have to wait for it."""
    return rendering.message(
        "An import is under way",
        "Nothing was changed. Wait until it has ended, and do it again.",
        status=409,
        again=("/data/import/state", "See how far it is"),
    )


def failed(request: Request, error: Exception) -> Response:
    """A fault of the program. The log gets its kind and place, not its text, which may hold a title."""
    log.error("A page failed with %s", type(error).__name__)
    return rendering.message(
        "Something went wrong here",
        "The log of the server says what. Nothing was lost.",
        status=500,
        again=("/", "Start"),
    )
