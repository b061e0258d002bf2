"""The two databases of a copy: the one that is read, as it stood at one moment, and the one that is written, a piece at a time.

What is true of every copy into a database, be it of another one or of a backup, is here: what it may hold before, how it is marked as long
as it is not whole, and what ties its tables together at the end.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import psycopg2
from psycopg2.sql import SQL, Identifier
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from etl import __version__, limits
from etl.contents import Result, Side, Table, told_alike
from etl.database_errors import is_passing, sentence_about
from etl.warehouse import MOVE_LOCK as MOVE_LOCK
from etl.warehouse import (
    TRIES,
    WAREHOUSE,
    Warehouse,
    WarehouseError,
    driver_cursor,
    lock,
    migrate_within,
    pending,
    run,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Moved:
    """What became of a table: how many rows it has at the source, and how many of them were copied."""

    table: str
    row_count: int
    copied_count: int


@dataclass
class Move:
    """What a move came to."""

    tables: list[Moved] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)  # sentences, without a value that is more than a key
    roles: list[str] = field(default_factory=list)  # may read at the source; to be made at the target by hand


@dataclass(frozen=True)
class Told:
    """Who is told how a move gets on: of rows done, of all rows of a table, and of every table done."""

    progress: Callable[[str, int, int], None] = lambda table, done, total: None
    table: Callable[[Moved], None] = lambda moved: None


class Broken(Exception):
    """A database did not do its part: the sentence about it, and whether trying again can help."""

    def __init__(self, sentence: str, can_pass: bool) -> None:
        super().__init__(sentence)
        self.can_pass = can_pass


@contextmanager
def speaking_of(name: str) -> Iterator[None]:
    """Errors of a database become sentences about the one that the person knows by this name."""
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        broken = Broken(sentence_about(error).replace("DATABASE_URL", name), is_passing(error))
    else:
        return
    raise broken


class Target(Side):
    """The database that is copied into, a transaction for each piece of work."""

    def __init__(self, warehouse: Warehouse, name: str) -> None:
        self.warehouse, self.name = warehouse, name

    def do(self, work: Callable[[Connection], Result]) -> Result:
        with speaking_of(self.name), self.warehouse.begin(limits.COPYING) as connection:
            return work(connection)


class Source(Side):
    """The database that is copied from, as it stood at one moment: one transaction that only reads."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection, self.name = connection, name

    def do(self, work: Callable[[Connection], Result]) -> Result:
        with speaking_of(self.name):
            return work(self.connection)


@contextmanager
def snapshot(warehouse: Warehouse, name: str) -> Iterator[Source]:
    """A warehouse as it stands now, for as long as it takes to read it."""
    with speaking_of(name):
        connection = warehouse.engine.connect()
    try:
        with speaking_of(name):
            connection.info["limits"] = limits.COPYING
            connection.execute(text("set transaction isolation level repeatable read, read only"))
            with driver_cursor(connection) as cursor:
                told_alike(cursor)
        yield Source(connection, name)
        connection.rollback()
    except BaseException:
        with suppress(Exception):
            connection.invalidate()  # in the middle of a COPY nothing else can be asked of it
        raise
    finally:
        with suppress(Exception):
            connection.close()


def persistently(once: Callable[[Callable[[], None]], Result]) -> Result:
    """Does something again when a connection broke, until it broke several times without anything having been done in between."""
    failures = 0

    def note() -> None:
        nonlocal failures
        failures = 0

    while True:
        try:
            return once(note)
        except Broken as broken:
            sentence, can_pass = str(broken), broken.can_pass
        failures += 1
        if not can_pass or failures >= TRIES:
            raise WarehouseError(sentence)
        pause_s = min(0.5 * 2 ** (failures - 1), 8) * random.uniform(0.75, 1.25)  # noqa: S311  jitter, not a secret
        log.info("A database does not answer (try %d of %d)", failures, TRIES)
        time.sleep(pause_s)


@contextmanager
def speaking_of_errors(name: str) -> Iterator[None]:
    """A sentence about DATABASE_URL becomes one about the database of this name."""
    try:
        yield
    except WarehouseError as error:
        sentence = str(error).replace("DATABASE_URL", name)
    else:
        return
    raise WarehouseError(sentence)


@dataclass(frozen=True)
class Ties:
    """What holds the tables of a warehouse together besides their rows: references between them, and the numbers given last."""

    references: tuple[tuple[str, str, str], ...]  # table, name and definition of each
    counters: tuple[tuple[str, str, int, bool], ...]  # table, column, last number, whether it was given


def ties_of(connection: Connection, tables: Collection[Table]) -> Ties:
    return Ties(
        tuple((row.table_name, row.constraint_name, row.definition) for row in run(connection, "references")),
        tuple((table.name, table.counter, *counter_of(connection, table)) for table in tables if table.counter),
    )


def counter_of(connection: Connection, table: Table) -> tuple[int, bool]:
    """The last number that was given to a row of a table, and whether it was."""
    with driver_cursor(connection) as cursor:
        cursor.execute("select pg_get_serial_sequence(%s, %s)", (table.name, table.counter))
        [(name,)] = cursor.fetchall()
        cursor.execute(f"select last_value, is_called from {name}")  # noqa: S608  quoted by Postgres itself
        [(number, is_given)] = cursor.fetchall()
    return int(number), bool(is_given)


def untie(connection: Connection) -> None:
    """Takes the references between tables away, so that a range can be replaced whatever refers to it."""
    with driver_cursor(connection) as cursor:
        for row in run(connection, "references"):
            cursor.execute(
                SQL("alter table {} drop constraint {}").format(
                    Identifier(*row.table_name.split(".")), Identifier(row.constraint_name)
                )
            )


def tie(connection: Connection, ties: Ties) -> None:
    """Puts them back, sets the numbers to go on with, and lets the planner see what there is."""
    lock(connection, MOVE_LOCK, 0)
    with driver_cursor(connection) as cursor:
        for table, name, definition in ties.references:
            cursor.execute(
                SQL("alter table {} drop constraint if exists {}, add constraint {} {}").format(
                    Identifier(*table.split(".")), Identifier(name), Identifier(name), SQL(definition)
                )
            )
        for table, column, number, is_given in ties.counters:
            cursor.execute("select setval(pg_get_serial_sequence(%s, %s), %s, %s)", (table, column, number, is_given))
    run(connection, "statistics")


def opened_for_copying(
    connection: Connection, files: set[str], warehouse_id: UUID, made_at: datetime, now: datetime
) -> None:
    """Makes a database fit to be copied into: of the version that has these schema files, marked as not whole, its tables not tied."""
    lock(connection, MOVE_LOCK, 0)
    migrate_within(connection, now, __version__, only=files)
    run(connection, "warehouse_copied", warehouse_id=warehouse_id, made_at=made_at, copy_started_at=now)
    untie(connection)


def files_of(connection: Connection) -> set[str]:
    """The files of sql/schema/ that were applied to a database; none where there is no warehouse."""
    if not connection.execute(text("select to_regclass('ops.schema_change')")).scalar():
        return set()
    return {row.file_name for row in run(connection, "schema_state") if row.file_name.startswith("schema/")}


def whole_files(source: Source) -> set[str]:
    """The schema files of a source. Raises WarehouseError when there is no warehouse, or none that can be copied."""
    files = source.do(files_of)
    if not files:
        raise WarehouseError(
            f"There is no warehouse in the database at {source.name}. For the tables of an older project of this kind: --from-legacy"
        )
    with speaking_of_errors(source.name):
        source.do(lambda connection: pending(connection))
    if WAREHOUSE not in files:
        raise WarehouseError(
            f"The warehouse at {source.name} was made by an older version of the program. Bring it up to date first:"
            " DATABASE_URL=… python migrate.py"
        )
    return files
