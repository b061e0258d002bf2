"""The rows of a warehouse, table by table: ranges of keys, and digests to compare two databases by.

Every statement here is built from the names of a Layout, which come from the program's own schema.
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

Key = tuple[Any, ...]  # values of a primary key: numbers as numbers, dates as Postgres writes them
Result = TypeVar("Result")

# Dates are read as Postgres's text, because Python has none before the year 1 or after 9999.
DATED = (1082, 1083, 1114, 1184, 1186, 1266)  # date, time, timestamp, timestamptz, interval, timetz
AS_TEXT = psycopg2.extensions.new_type(DATED, "AS_TEXT", lambda value, _: value)


@dataclass(frozen=True)
class Table:
    """A table by its full name; `key` are the columns of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    types: tuple[str, ...] = ()  # of the columns, by Postgres's names
    identity_column: str | None = None  # the column that Postgres numbers

    @property
    def identifier(self) -> Composed:
        return Composed([Identifier(*self.name.split("."))])


@dataclass(frozen=True)
class Span:
    """A range of a table's primary key, from `first` to before `end`. None is unbounded."""

    first: Key | None = None
    end: Key | None = None

    def condition(self, table: Table) -> Composed:
        """The SQL condition for a row to be in the range."""
        key = row_expression(Identifier(name) for name in table.key)
        bounds = [
            SQL(f"{{}} {sign} {{}}").format(key, row_expression(map(Literal, bound)))
            for sign, bound in ((">=", self.first), ("<", self.end))
            if bound is not None
        ]
        return SQL(" and ").join(bounds) if bounds else Composed([SQL("true")])


EVERYTHING = Span()


@dataclass(frozen=True)
class Digest:
    """Row count and hash of a range of a table. Equal digests mean equal rows, in whatever order they are stored."""

    row_count: int
    row_hash: int  # the sum of the hashes of the rows


@dataclass(frozen=True)
class Difference:
    """A range of a table, the rows that two databases have in it, and whether these are equal."""

    span: Span
    source_count: int | None  # None: not counted, because the target has no row at all
    target_count: int
    is_equal: bool = False


def row_expression(parts: Iterator[Any]) -> Composed:
    return SQL("({})").format(SQL(", ").join(parts))


def set_canonical_output(cursor: psycopg2.extensions.cursor) -> None:
    """Make the transaction write values the same way in every database, whatever its settings."""
    cursor.execute(
        "set local timezone = 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';"
        "set local extra_float_digits = 1; set local bytea_output = 'hex'"
    )


def digest_of(connection: Connection, table: Table, span: Span) -> Digest:
    """The digest of a range.

    It is the same in every version of Postgres, which keeps its hash functions stable for the sake of tables
    partitioned by hash.
    """
    # A row's hash is itself a sum over its columns. It is hashed once more, or two rows that swap a value would add up
    # to the same digest.
    row = row_expression(Identifier(name) for name in table.columns)
    with driver_cursor(connection) as cursor:
        set_canonical_output(cursor)
        cursor.execute(
            SQL(
                "select count(*),"
                " coalesce(sum(pg_catalog.hashint8extended(pg_catalog.hash_record_extended(row{}, 0), 0)), 0)"
                " from {} where {}"
            ).format(row, table.identifier, span.condition(table))
        )
        [(row_count, row_hash)] = cursor.fetchall()
    return Digest(int(row_count), int(row_hash))


def is_empty(connection: Connection, table: Table) -> bool:
    with driver_cursor(connection) as cursor:
        cursor.execute(SQL("select not exists (select 1 from {})").format(table.identifier))
        [(has_no_row,)] = cursor.fetchall()
    return bool(has_no_row)


def split_span(connection: Connection, table: Table, size: int, within: Span) -> list[Span]:
    """Split a range into ranges of `size` rows each; the last one may have fewer.

    Together they cover all of `within`, so rows that only another database has fall into one of them, too.
    """
    key = SQL(", ").join(map(Identifier, table.key))
    with driver_cursor(connection) as cursor:
        psycopg2.extensions.register_type(AS_TEXT, cursor)
        cursor.execute(
            SQL(
                "select {key} from (select {key}, row_number() over (order by {key}) as row_number from {table} where"
                " {within}) as numbered"
                " where (row_number - 1) %% {size} = 0 and row_number > 1 order by {key}"
            ).format(key=key, table=table.identifier, within=within.condition(table), size=Literal(size)),
            (),
        )
        cuts: list[Key | None] = [within.first, *cursor.fetchall(), within.end]
    return [Span(first, end) for first, end in pairwise(cuts)]


class Endpoint(ABC):
    """One of the two databases of a copy."""

    @abstractmethod
    def do(self, work: Callable[[Connection], Result]) -> Result:
        """Call `work` with a connection to the database, and return what it returns."""

    def digest(self, table: Table, span: Span = EVERYTHING) -> Digest:
        return self.do(lambda connection: digest_of(connection, table, span))

    def split(self, table: Table, size: int, within: Span = EVERYTHING) -> list[Span]:
        return self.do(lambda connection: split_span(connection, table, size, within))

    def is_empty(self, table: Table) -> bool:
        return self.do(lambda connection: is_empty(connection, table))


def find_differences(
    source: Endpoint, target: Endpoint, table: Table, *, largest: int, smallest: int
) -> Iterator[Difference]:
    """Compare a table in two databases, and yield its ranges in order, equal ones included.

    No range has more than `largest` rows of the source. One that differs is split further until it has at most
    `smallest`, unless the target has less than a tenth of its rows.
    """
    waiting = source.split(table, largest)[::-1]
    if target.is_empty(table):
        yield from (Difference(span, None, 0) for span in waiting[::-1])
        return
    with ThreadPoolExecutor(max_workers=1) as other:
        while waiting:
            span = waiting.pop()
            counting = other.submit(source.digest, table, span)
            there = target.digest(table, span)
            here = counting.result()
            if here == there:
                yield Difference(span, here.row_count, there.row_count, is_equal=True)
            elif here.row_count <= smallest or there.row_count * 10 < here.row_count:
                yield Difference(span, here.row_count, there.row_count)
            else:
                waiting += source.split(table, -(-here.row_count // 16), span)[::-1]
