"""The two databases of a copy: the one that is read, as it stood at one moment, and the one that is written, a piece at a time.

What is true of every copy into a database, be it of another one or of a backup, is here: what it may hold before, how it is marked as long
as it is not whole, and what ties its tables together at the end.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import psycopg2
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from etl import __version__, limits
from etl.transfer.constraints import untied
from etl.transfer.layout import Layout
from etl.transfer.tables import Result, Side, told_alike
from etl.warehouse.connection import TRIES, Warehouse
from etl.warehouse.engine import engine_of
from etl.warehouse.errors import LOCK_NOT_AVAILABLE, WarehouseError, is_passing, sentence_about, state_of
from etl.warehouse.locks import MOVE_LOCK, lock
from etl.warehouse.schema import WAREHOUSE, migrate_within, pending
from etl.warehouse.statements import driver_cursor, run

log = logging.getLogger(__name__)

WHOLE = 1  # second half of MOVE_LOCK for a whole copy: shared by those that read the database, exclusive for the one that writes into it


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

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else copies into the database, or out of it, meanwhile. Raises WarehouseError when somebody does.

        A transaction on a connection of its own holds the lock, so it ends when this program dies. Two moves that cross
        would otherwise wait for each other in two databases, and Postgres sees only its own half of a deadlock.
        """
        engine = engine_of(self.warehouse.engine.url.render_as_string(hide_password=False))
        with speaking_of(self.name):
            connection = engine.connect()
        try:
            with speaking_of(self.name):
                connection.info["limits"] = limits.HOLDING
                connection.begin()
                is_alone = got(connection)
            if not is_alone:
                raise WarehouseError(
                    f"Another move, backup or restore is at work in the database at {self.name}. Wait until it has ended,"
                    " and run this again."
                )
            yield
        finally:
            with suppress(Exception):  # it may be long gone; the lock went with it
                connection.invalidate()
            engine.dispose()


def got(connection: Connection) -> bool:
    """Whether the lock of a whole copy was got in time."""
    try:
        lock(connection, MOVE_LOCK, WHOLE)
    except DBAPIError as error:
        if state_of(error) == LOCK_NOT_AVAILABLE:
            return False
        raise
    return True


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
            connection.info.update(limits=limits.COPYING, search_path="set local search_path = pg_catalog, pg_temp;")
            connection.execute(text("set transaction isolation level repeatable read, read only"))
            with driver_cursor(connection) as cursor:
                # No function of the database's own is found by its name alone, and no policy of its own decides what is seen.
                cursor.execute("set local row_security = off")
                told_alike(cursor)
            is_still = connection.execute(
                text("select pg_catalog.pg_try_advisory_xact_lock_shared(:half, :key)"),
                {"half": MOVE_LOCK, "key": WHOLE},
            ).scalar_one()
        if not is_still:
            raise WarehouseError(
                f"The database at {name} is being copied into right now. Wait until that has ended, and run this again."
            )
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


def opened_for_copying(
    connection: Connection, files: set[str], warehouse_id: UUID, made_at: datetime, now: datetime
) -> Layout:
    """Makes a database fit to be copied into: of the version that has these schema files, marked as not whole, its tables not tied."""
    lock(connection, MOVE_LOCK, 0)
    migrate_within(connection, now, __version__, only=files)
    run(connection, "ops/transfer/warehouse_copied", warehouse_id=warehouse_id, made_at=made_at, copy_started_at=now)
    return untied(connection)


def files_of(connection: Connection) -> set[str]:
    """The files of sql/schema/ that were applied to a database; none where there is no warehouse."""
    if not connection.execute(text("select pg_catalog.to_regclass('ops.schema_change')")).scalar():
        return set()
    return {
        row.file_name for row in run(connection, "ops/migrations/schema_state") if row.file_name.startswith("schema/")
    }


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
