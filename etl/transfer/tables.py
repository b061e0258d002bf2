"""What is in a warehouse, table by table: in ranges of their keys, and as counts and hashes to compare them by.

Every statement here is put together from the names of a Layout, which come from the program's own schema.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

import psycopg2.extensions
from psycopg2.sql import SQL, Composed, Identifier, Literal
from sqlalchemy import Connection

from etl.warehouse.statements import driver_cursor

Key = tuple[Any, ...]  # as Postgres writes the values; numbers are numbers
Result = TypeVar("Result")

# Moments before the year 1 or after 9999, which Python has none of, are read as the text that Postgres writes.
DATED = (1082, 1083, 1114, 1184, 1186, 1266)  # date, time, timestamp, timestamptz, interval, timetz
AS_TEXT = psycopg2.extensions.new_type(DATED, "AS_TEXT", lambda value, _: value)


@dataclass(frozen=True)
class Table:
    """A table by its full name; `key` are the columns of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    types: tuple[str, ...] = ()  # of the columns, as Postgres names them
    counter: str | None = None  # the column that Postgres numbers by itself

    @property
    def identifier(self) -> Composed:
        return Composed([Identifier(*self.name.split("."))])


@dataclass(frozen=True)
class Span:
    """A range of a table's key: from `first`, included, to `end`, excluded. None is open."""

    first: Key | None = None
    end: Key | None = None

    def within(self, table: Table) -> Composed:
        """The condition of a row to lie in it."""
        key = row_expression(Identifier(name) for name in table.key)
        bounds = [
            SQL(f"{{}} {sign} {{}}").format(key, row_expression(map(Literal, told)))
            for sign, told in ((">=", self.first), ("<", self.end))
            if told is not None
        ]
        return SQL(" and ").join(bounds) if bounds else Composed([SQL("true")])


EVERYTHING = Span()


@dataclass(frozen=True)
class Content:
    """What a range of a table holds, whatever order its rows lie in."""

    row_count: int
    row_hash: int  # the sum of the rows' own hashes


@dataclass(frozen=True)
class Difference:
    """A range, and how many rows of it two databases have."""

    span: Span
    source_count: int | None  # not counted where the target has nothing at all
    target_count: int
    is_equal: bool = False


def row_expression(parts: Iterator[Any]) -> Composed:
    return SQL("({})").format(SQL(", ").join(parts))


def set_canonical_output(cursor: psycopg2.extensions.cursor) -> None:
    """Lets a transaction write values as every other database does."""
    cursor.execute(
        "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';"
        "set local extra_float_digits = 1; set local bytea_output = 'hex'"
    )


def content_of(connection: Connection, table: Table, span: Span) -> Content:
    """How many rows of a range there are, and their hash: the same in every database that holds the same rows, of whatever version, as
    Postgres keeps its hashes for the sake of tables that are partitioned by them."""
    # The hash of a row is a sum over its columns: hashed once more, lest two rows that exchange a value sum to the same.
    told = row_expression(Identifier(name) for name in table.columns)
    with driver_cursor(connection) as cursor:
        set_canonical_output(cursor)
        cursor.execute(
            SQL(
                "select count(*), coalesce(sum(pg_catalog.hashint8extended(pg_catalog.hash_record_extended(row{}, 0), 0)), 0)"
                " from {} where {}"
            ).format(told, table.identifier, span.within(table))
        )
        [(row_count, row_hash)] = cursor.fetchall()
    return Content(int(row_count), int(row_hash))


def is_empty(connection: Connection, table: Table) -> bool:
    with driver_cursor(connection) as cursor:
        cursor.execute(SQL("select not exists (select 1 from {})").format(table.identifier))
        [(told,)] = cursor.fetchall()
    return bool(told)


def split_span(connection: Connection, table: Table, size: int, within: Span) -> list[Span]:
    """A range in ranges of `size` rows each, the last one fewer. What another database has besides lies in one of them, too."""
    key = SQL(", ").join(map(Identifier, table.key))
    with driver_cursor(connection) as cursor:
        psycopg2.extensions.register_type(AS_TEXT, cursor)
        cursor.execute(
            SQL(
                "select {key} from (select {key}, row_number() over (order by {key}) as row_number from {table} where {within}) as numbered"
                " where (row_number - 1) %% {size} = 0 and row_number > 1 order by {key}"
            ).format(key=key, table=table.identifier, within=within.within(table), size=Literal(size)),
            (),
        )
        cuts: list[Key | None] = [within.first, *cursor.fetchall(), within.end]
    return [Span(first, end) for first, end in pairwise(cuts)]


class Endpoint(ABC):
    """A database, as it is compared."""

    @abstractmethod
    def do(self, work: Callable[[Connection], Result]) -> Result:
        """What `work` makes of a connection to it."""

    def content(self, table: Table, span: Span = EVERYTHING) -> Content:
        return self.do(lambda connection: content_of(connection, table, span))

    def spans(self, table: Table, size: int, within: Span = EVERYTHING) -> list[Span]:
        return self.do(lambda connection: split_span(connection, table, size, within))

    def is_empty(self, table: Table) -> bool:
        return self.do(lambda connection: is_empty(connection, table))


def find_differences(
    source: Endpoint, target: Endpoint, table: Table, *, largest: int, smallest: int
) -> Iterator[Difference]:
    """The ranges of a table, in order, in which two databases are alike or differ.

    None is of more than `largest` rows of the source; one that differs is cut until it has no more than `smallest`, unless the target has
    next to nothing there.
    """
    waiting = source.spans(table, largest)[::-1]
    if target.is_empty(table):
        yield from (Difference(span, None, 0) for span in waiting[::-1])
        return
    with ThreadPoolExecutor(max_workers=1) as other:
        while waiting:
            span = waiting.pop()
            counting = other.submit(source.content, table, span)
            there = target.content(table, span)
            here = counting.result()
            if here == there:
                yield Difference(span, here.row_count, there.row_count, is_equal=True)
            elif here.row_count <= smallest or there.row_count * 10 < here.row_count:
                yield Difference(span, here.row_count, there.row_count)
            else:
                waiting += source.spans(table, -(-here.row_count // 16), span)[::-1]
