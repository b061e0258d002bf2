"""What an address asks for, checked: days, order, page, keys. What is wrong becomes a page with a sentence."""

from collections.abc import Collection
from datetime import date
from typing import Any, Never

from fastapi import Request
from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from etl.reports.query import Reporter
from etl.reports.request import ReportContext
from etl.web.sessions import Visitor
from etl.web.spans import Span, SpanError, span_of

LARGEST_KEY = 2**31 - 1  # of Postgres's integer
LARGEST_PLAY = 2**63 - 1


def missing(sentence: str) -> Never:
    """Raises the HTTPException of a page that does not exist, as far as this listener is concerned."""
    raise HTTPException(404, sentence)


def refused(sentence: str) -> Never:
    """Raises the HTTPException of an address that asks for something impossible."""
    raise HTTPException(400, sentence)


def today_of(visitor: Visitor, site: Any) -> date:
    """Today by the listener's clock."""
    today: date = site.clock().astimezone(visitor.listener.time_zone).date()
    return today


def span_in(request: Request, visitor: Visitor, site: Any, default: str = "30d") -> Span:
    """The span of the query. Raises HTTPException (400)."""
    try:
        return span_of(request.query_params, today_of(visitor, site), default)
    except SpanError as error:
        refused(str(error))


def choice_in(request: Request, name: str, choices: Collection[str], default: str) -> str:
    """One of several words of the query. Raises HTTPException (400)."""
    value = request.query_params.get(name) or default
    if value not in choices:
        refused(f"'{name}' is one of: {', '.join(choices)}.")
    return value


def number_in(request: Request, name: str, most: int) -> int | None:
    """A number of the query, from 1 on; None if it is absent or empty. Raises HTTPException (400)."""
    value = request.query_params.get(name)
    if not value:
        return None
    number = number_of(value, most)
    if number is None:
        refused(f"'{name}' is a whole number from 1 on.")
    return number


def number_of(text: str, most: int) -> int | None:
    """A whole number from 1 to `most`, written in the digits 0 to 9; None for anything else."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most))):
        return None
    return int(text) if 1 <= int(text) <= most else None


def key_of(text: str, sentence: str) -> int:
    """The key in a path. Raises HTTPException (404) with the sentence for what can't be one."""
    key = number_of(text, LARGEST_KEY)
    if key is None:
        missing(sentence)
    return key


def reporter_of(
    connection: Connection, visitor: Visitor, site: Any, span: Span | None = None, **fields: Any
) -> Reporter:
    """A reporter of the visitor's plays in a span, all of them without one, whose sections have keys to link by.

    fields: others of ReportFilter.
    """
    days = {"since_date": span.since, "until_date": span.until} if span else {}
    context = ReportContext(connection, visitor.listener, site.clock())
    return context.reporter(**{"counts_as": visitor.counts_as, "with_keys": True, **days, **fields})
