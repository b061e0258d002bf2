"""Who asks the API: a key in the header Authorization, or for what only reads, the session of a browser."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, cast

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from etl.warehouse.listeners import RecordedListener
from etl.warehouse.statements import run
from etl.warehouse.time_zones import zone_named
from etl.web.api.problems import Problem
from etl.web.security import SAFE_METHODS, Rates
from etl.web.tokens import digest
from etl.web.visitors import cookie_name, site_in, visitor_in

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="Brapped"'}
REQUESTS, SPAN_S = 300, 60  # of one key or session


@dataclass(frozen=True)
class Reader:
    """The listener whose key or session it is. `counts_as`: their minimum of a counted play."""

    listener: RecordedListener
    counts_as: str
    key_number: int | None
    is_read_only: bool

    @property
    def listener_key(self) -> int:
        return self.listener.listener_key


def reader_in(request: Request) -> Reader:
    """Who asks. Raises Problem: 401 for nobody, 403 for who may only read and asks for a change."""
    bearer = request.headers.get("authorization")
    reader = reader_with(request, bearer) if bearer is not None else reader_of_session(request)
    if reader is None:
        raise Problem(
            401,
            "Send a key that works, as 'Authorization: Bearer brapped_…'. Keys are made in the settings, under Keys.",
            headers=CHALLENGE,
        )
    if reader.is_read_only and request.method not in SAFE_METHODS:
        raise Problem(403, "This key may only read. For changes, make one that may write, in the settings, under Keys.")
    return reader


def reader_with(request: Request, bearer: str) -> Reader | None:
    """The listener whose key is in the header; whatever it holds, it is looked up, so each refusal takes as long."""
    site = site_in(request)
    scheme, _, key = bearer.partition(" ")
    now = site.clock()

    def work(connection: Connection) -> Any:
        return run(connection, "ops/web/api_key", key_hash=digest(key.strip()), now=now)

    rows = site.records.look_up(work)
    if not rows or scheme.lower() != "bearer":
        return None
    [row] = rows
    if row.is_used_again:
        site.records.change(
            lambda connection: run(connection, "ops/web/api_key_used", api_key_key=row.api_key_key, now=now)
        )
    listener = RecordedListener(row.listener_key, row.listener_id, row.listener_name, zone_named(row.time_zone))
    return Reader(listener, row.counts_as, row.api_key_key, row.is_read_only)


def reader_of_session(request: Request) -> Reader | None:
    """The listener who is logged in, if their own pages ask; a session changes nothing through the API."""
    site = site_in(request)
    is_ours = request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    if not is_ours or request.method not in SAFE_METHODS or cookie_name(site) not in request.cookies:
        return None
    visitor = visitor_in(request)
    return Reader(visitor.listener, visitor.counts_as, None, True) if visitor else None


class ApiRoute(APIRoute):
    """A route that knows who asks before it reads the rest, so that nobody else learns what it takes.

    Then it slows down who asks too often, and refuses parameters that are unknown or given twice.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        answer = super().get_route_handler()
        takes_parameters = bool(self.dependant.query_params)

        async def guarded(request: Request) -> Response:
            reader = await run_in_threadpool(reader_in, request)
            slow_down(request, reader)
            check_names(request, takes_parameters=takes_parameters)
            request.state.reader = reader
            return await answer(request)

        return guarded


def slow_down(request: Request, reader: Reader) -> None:
    """Count the request. Raises Problem 429."""
    rates = cast(Rates, request.app.state.rates)
    who = f"key {reader.key_number}" if reader.key_number is not None else f"listener {reader.listener_key}"
    if wait_s := rates.wait_s(who):
        raise Problem(
            429,
            f"This key has asked more than {REQUESTS} times in {SPAN_S} seconds. Wait, and go on.",
            headers={"Retry-After": str(int(wait_s) + 1)},
        )


def check_names(request: Request, *, takes_parameters: bool) -> None:
    """Refuse parameters that are given twice, or where none is taken. Raises Problem 400."""
    names = [name for name, _ in request.query_params.multi_items()]
    twice = sorted({name for name in names if names.count(name) > 1})
    wrong = twice if takes_parameters else sorted(set(names))
    sentence = "This is given twice." if takes_parameters else "This name is unknown here."
    if wrong:
        errors = [{"field": f"query {name}"[:80], "detail": sentence} for name in wrong[:20]]
        raise Problem(400, " ".join(f"{one['field']}: {one['detail']}" for one in errors), errors=errors)


def known_reader(request: Request) -> Reader:
    """The reader that ApiRoute has found."""
    return cast(Reader, request.state.reader)


TheReader = Annotated[Reader, Depends(known_reader)]


def today_of(site: Any, reader: Reader) -> date:
    """Today by the listener's clock."""
    today: date = site.clock().astimezone(reader.listener.time_zone).date()
    return today
