"""The two databases of a copy: a source that is read as it stood at one moment, and a target that is written piece by
piece.

What every copy needs, be it from another database or from a backup, is here: progress and results, retries, the lock
that keeps copies apart, and the preparation of the target.
"""

from __future__ import annotations

import logging
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
from etl.transfer.constraints import drop_constraints
from etl.transfer.layout import Layout
from etl.transfer.tables import Endpoint, Result, set_canonical_output
from etl.warehouse.connection import TRIES, Warehouse, backoff_s
from etl.warehouse.engine import engine_of
from etl.warehouse.errors import LOCK_NOT_AVAILABLE, WarehouseError, is_passing, sentence_about, state_of
from etl.warehouse.locks import MOVE_LOCK, lock
from etl.warehouse.schema import WAREHOUSE, migrate_within, pending
from etl.warehouse.statements import driver_cursor, run

log = logging.getLogger(__name__)

# The second half of MOVE_LOCK for a whole copy: shared by those who read the database, exclusive for who writes it.
WHOLE = 1


@dataclass(frozen=True)
class CopiedTable:
    """One table of a copy: its rows at the source, and how many of them were copied; of a comparison, whether it is the
    same on both sides."""

    table: str
    row_count: int
    copied_count: int
    is_same: bool = True


@dataclass
class CopyResult:
    """What a copy or a comparison did and found."""

    tables: list[CopiedTable] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)  # sentences, which quote keys and no other values
    # Roles that may read the source, and have to be created at the target by hand.
    roles: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Progress:
    """Callbacks of a copy: `rows(table, done, total)` as rows are copied, and `table` when a table is done."""

    rows: Callable[[str, int, int], None] = lambda table, done, total: None
    table: Callable[[CopiedTable], None] = lambda table: None


class EndpointError(Exception):
    """A database failed: a sentence for the person, and whether a retry can help."""

    def __init__(self, sentence: str, can_pass: bool) -> None:
        super().__init__(sentence)
        self.can_pass = can_pass


@contextmanager
def naming_errors(name: str) -> Iterator[None]:
    """Raises EndpointError for an error of the driver. It calls the database by `name`: the option or setting of its
    address.
    """
    try:
        yield
    except (DBAPIError, psycopg2.Error) as error:
        failure = EndpointError(sentence_about(error, name), is_passing(error))
    else:
        return
    raise failure  # out here, so that the driver's error, which may quote a row or an address, is not its context


class Target(Endpoint):
    """The database that is written, in one transaction for each piece of work."""

    def __init__(self, warehouse: Warehouse) -> None:
        self.warehouse, self.name = warehouse, warehouse.name

    def do(self, work: Callable[[Connection], Result]) -> Result:
        with naming_errors(self.name), self.warehouse.begin(limits.COPYING) as connection:
            return work(connection)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other copies into the database, or out of it, away. Raises WarehouseError when one is under way.

        A transaction on a connection of its own holds the lock, so it ends when this program dies. Without it, two
        copies in opposite directions would wait for each other in two databases, and Postgres sees only its own half of
        a deadlock.
        """
        engine = engine_of(self.warehouse.engine.url.render_as_string(hide_password=False))
        with naming_errors(self.name):
            connection = engine.connect()
        try:
            with naming_errors(self.name):
                connection.info["limits"] = limits.HOLDING
                connection.begin()
                is_locked = lock_in_time(connection)
            if not is_locked:
                raise WarehouseError(
                    f"Another move, backup or restore is at work in the database at {self.name}. Wait until it has"
                    " ended, and run this again."
                )
            yield
        finally:
            with suppress(Exception):  # the connection may be long gone, and the lock with it
                connection.invalidate()
            engine.dispose()


def lock_in_time(connection: Connection) -> bool:
    """Take the lock of a whole copy; False if another session held it beyond the connection's limits."""
    try:
        lock(connection, MOVE_LOCK, WHOLE)
    except DBAPIError as error:
        if state_of(error) == LOCK_NOT_AVAILABLE:
            return False
        raise
    return True


class Source(Endpoint):
    """The database that is read, in one read-only transaction, so that all of it is of one moment."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection, self.name = connection, name

    def do(self, work: Callable[[Connection], Result]) -> Result:
        with naming_errors(self.name):
            return work(self.connection)


@contextmanager
def snapshot(warehouse: Warehouse) -> Iterator[Source]:
    """Open a warehouse for reading as it stands now. Raises WarehouseError when a copy into it is under way."""
    name = warehouse.name
    with naming_errors(name):
        connection = warehouse.engine.connect()
    try:
        with naming_errors(name):
            connection.info.update(limits=limits.COPYING, search_path="set local search_path = pg_catalog, pg_temp;")
            connection.execute(text("set transaction isolation level repeatable read, read only"))
            with driver_cursor(connection) as cursor:
                # The database may be anybody's: its functions are not found by name, its policies do not hide rows.
                cursor.execute("set local row_security = off")
                set_canonical_output(cursor)
            is_free = connection.execute(
                text("select pg_catalog.pg_try_advisory_xact_lock_shared(:half, :key)"),
                {"half": MOVE_LOCK, "key": WHOLE},
            ).scalar_one()
        if not is_free:
            raise WarehouseError(
                f"The database at {name} is being copied into right now. Wait until that has ended, and run this again."
            )
        yield Source(connection, name)
        connection.rollback()
    except BaseException:
        with suppress(Exception):
            connection.invalidate()  # in the middle of a COPY it can do nothing else
        raise
    finally:
        with suppress(Exception):
            connection.close()


def retry_on_disconnect(attempt: Callable[[Callable[[], None]], Result]) -> Result:
    """Call `attempt` again when a connection broke, until it breaks TRIES times without progress in between.

    `attempt` receives a function to call whenever a piece of its work is done. Raises WarehouseError.
    """
    failures = 0

    def progressed() -> None:
        nonlocal failures
        failures = 0

    while True:
        try:
            return attempt(progressed)
        except EndpointError as error:
            sentence, can_pass = str(error), error.can_pass
        failures += 1
        if not can_pass or failures >= TRIES:
            raise WarehouseError(sentence)
        log.info("A database does not answer (try %d of %d)", failures, TRIES)
        time.sleep(backoff_s(failures))


def prepare_target(
    connection: Connection, files: set[str], warehouse_id: UUID, made_at: datetime, now: datetime, name: str
) -> Layout:
    """Prepare a database to be copied into: apply exactly these schema files, mark it as unfinished, drop its foreign
    keys.

    `warehouse_id` and `made_at` are those of the warehouse that is copied; `name` is the option or setting of the
    address.
    """
    lock(connection, MOVE_LOCK, 0)
    migrate_within(connection, now, __version__, only=files)
    run(connection, "ops/transfer/warehouse_copied", warehouse_id=warehouse_id, made_at=made_at, copy_started_at=now)
    return drop_constraints(connection, name)


def schema_files_of(connection: Connection) -> set[str]:
    """The files of sql/schema/ that were applied to a database; empty when there is no warehouse in it."""
    if not connection.execute(text("select pg_catalog.to_regclass('ops.schema_change')")).scalar():
        return set()
    return {
        row.file_name for row in run(connection, "ops/migrations/schema_state") if row.file_name.startswith("schema/")
    }


def copyable_schema_files(source: Source) -> set[str]:
    """The schema files of a source. Raises WarehouseError when it has no warehouse, or one that can't be copied."""
    files = source.do(schema_files_of)
    if not files:
        raise WarehouseError(
            f"There is no warehouse in the database at {source.name}. To import the tables of an older project of"
            " this kind, use --from-legacy."
        )
    source.do(lambda connection: pending(connection))
    if WAREHOUSE not in files:
        raise WarehouseError(
            f"The warehouse at {source.name} was made by an older version of the program. Bring it up to date first:"
            " DATABASE_URL=… python migrate.py"
        )
    return files
