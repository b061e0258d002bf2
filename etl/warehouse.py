"""Postgres: connect, migrate, stage, ask. Runs the files of sql/ by name."""

import csv
import hashlib
import io
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection, Row, text
from sqlalchemy.exc import DBAPIError

from etl import __version__, limits
from etl.clocks import Clock, must_agree
from etl.connections import driver_of, due, engine_of, limited, limits_of
from etl.database_errors import ABOUT_VALUES, LOCK_NOT_AVAILABLE, is_passing, sentence_about, state_of
from etl.database_errors import ValuesRefused as ValuesRefused
from etl.database_errors import WarehouseError as WarehouseError
from etl.limits import Limits
from etl.locks import LISTENER_LOCK as LISTENER_LOCK
from etl.locks import LOGIN_LOCK as LOGIN_LOCK
from etl.locks import MOVE_LOCK as MOVE_LOCK
from etl.locks import SCHEMA_LOCK as SCHEMA_LOCK
from etl.locks import Busy as Busy
from etl.locks import OutOfOrder, busy, lock_listeners
from etl.locks import lock as lock
from etl.versions import are_views_newer, newest_of

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

Result = TypeVar("Result")
TRIES = 6  # pauses of 0.5 to 8 s: a database that has to be woken up answers within a few seconds
STREAMED = 5_000  # rows fetched at a time
WAREHOUSE = "schema/008_warehouse"  # since then a database knows which warehouse it is


class Warehouse:
    """One Postgres, reached anew when it goes away. `repr` shows no address. `clock`: this computer's, which has to agree with
    the database's before anything is recorded; None: they are not compared."""

    def __init__(self, url: str, clock: Clock | None = None) -> None:
        self.engine = engine_of(url, script("query/search_path"))
        self.clock = clock

    def __repr__(self) -> str:
        return "Warehouse(…)"

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def begin(self, wanted: Limits | None = None) -> Iterator[Connection]:
        """One transaction, tried once. Raises Busy when another session held what it needs, and the driver's errors."""
        known: dict[str, Any] = {}
        try:
            with self.engine.connect() as connection:
                known = connection.info  # to be asked when the connection can't be any more
                known.update(limits=wanted or limits.SHORT, search_path=None)
                with connection.begin():
                    yield connection
            return
        except (DBAPIError, psycopg2.Error) as error:
            if state_of(error) != LOCK_NOT_AVAILABLE:
                raise
        raise busy(
            self.engine,
            known["waiting_for"],
            is_schema_change=known["limits_set"] in (limits.MIGRATING, limits.COPYING),
        )

    def transaction(self, work: Callable[[Connection], Result], wanted: Limits | None = None) -> Result:
        """Does `work` in one transaction, again from its start when the database went away or asks for it.

        So `work` has to be harmless to repeat, as everything here is: a commit whose answer was lost may have happened.
        `wanted`: how long its statements and its waits may take; those of a short run by default.
        """
        first: set[int] = set()
        started_s = time.monotonic()
        attempt = 1
        while True:
            try:
                with self.begin(wanted) as connection:
                    lock_listeners(connection, first)
                    return work(connection)
            except OutOfOrder as order:
                first |= order.keys
                continue
            except (DBAPIError, psycopg2.Error) as error:
                trouble = error
            is_late = time.monotonic() - started_s > limits.ANOTHER_TRY_S
            if not is_passing(trouble) or attempt == TRIES or is_late:
                break
            self.engine.dispose()  # whatever broke one connection broke the pooled one too
            pause_s = min(0.5 * 2 ** (attempt - 1), 8) * random.uniform(0.75, 1.25)  # noqa: S311  jitter, not a secret
            log.info("The database does not answer (try %d of %d)", attempt, TRIES)
            time.sleep(pause_s)
            attempt += 1
        # Raised out here, so that the driver's error, which may quote a row or an address, does not come along.
        tries = f" ({attempt} tries)." if attempt > 1 else "."
        state = state_of(trouble)
        kind = ValuesRefused if state in ABOUT_VALUES else WarehouseError
        is_reached = state is not None and not is_passing(trouble)
        raise kind(sentence_about(trouble).removesuffix(".") + tries, is_reached=is_reached)

    def migrate(self, now: datetime, version: str, *, views_may_wait: bool = False) -> list[str]:
        """Brings the schema up to date, all or nothing; names of the files applied. Cheap when there is nothing to do.

        Waits a few seconds at a time for whoever reads, and raises Busy when they don't let go. `views_may_wait`: the caller
        uses tables only, so that views of an older version don't keep it from its work; the next run replaces them.

        Everything that records begins with it. So it also raises WrongClock, before it changes anything.
        """
        attempt = 1
        while True:
            try:
                return self.transaction(lambda connection: migrate_within(connection, now, version, clock=self.clock))
            except Busy as error:
                held = error
            if attempt == limits.MIGRATION_TRIES:
                break
            attempt += 1
            time.sleep(limits.MIGRATION_PAUSE_S)
        if not views_may_wait or any(not name.startswith("views/") for name in self.pending()):
            raise held
        log.warning("The views in the database stay as they are until the next run. %s", held)
        return []

    def pending(self) -> list[str]:
        """Names of the files of sql/schema and sql/views that the database has yet to see."""
        return self.transaction(pending)

    def must_be_current(self) -> None:
        """Raises WarehouseError when the schema is not this program's, without changing it."""
        if waiting := self.pending():
            have = (
                "The database is empty"
                if len(waiting) == len(names_in("schema") + names_in("views"))
                else "The database is older than this program"
            )
            raise WarehouseError(f"{have}: the next run of a job, or python migrate.py, brings it up to date.")


def migrate_within(
    connection: Connection, now: datetime, version: str, only: Set[str] | None = None, clock: Clock | None = None
) -> list[str]:
    """What Warehouse.migrate does, as a part of a transaction. `only`: just these files, for a copy that is being made."""

    def missing() -> list[str]:
        if only is None:
            return pending(connection, clock=clock)
        return [name for name in pending(connection, is_copying=True) if name in only]

    if not missing():
        return []
    with limited(connection, limits.MIGRATING):
        lock(connection, SCHEMA_LOCK, 0)
        files = missing()  # again: another program may have been quicker
        if files:
            run(connection, "schema_change")
        if "schema/005_reports" in files:
            run(connection, "extension")
            run(connection, "search_path")
        for name in files:
            run_script(connection, name)
            run(
                connection,
                "view_recorded" if name.startswith("views/") else "schema_change_recorded",
                file_name=name,
                checksum=checksum(name),
                applied_at=now,
                program_version=version,
            )
    return files


def pending(connection: Connection, *, is_copying: bool = False, clock: Clock | None = None) -> list[str]:
    """Schema files not applied, and all views when one of them is new or changed, unless a newer program made them. A pure question.

    Raises WrongClock when `clock` and the database's are too far apart. Raises WarehouseError for a database that a newer program made, for a schema file changed after it was applied, and (unless
    `is_copying`) for a database that another one is being copied into.
    """
    is_made, server_at = connection.execute(
        text("select pg_catalog.to_regclass('ops.schema_change'), pg_catalog.clock_timestamp()")
    ).one()
    if clock is not None:
        must_agree(clock(), server_at, "the database's")
    rows = run(connection, "schema_state") if is_made else []
    applied = {row.file_name: row.checksum for row in rows}
    schema = names_in("schema")
    views = views_in_order()
    if unknown := sorted(name for name in applied if name.startswith("schema/") and name not in schema):
        newest = newest_of(rows)
        versions = "" if newest == __version__ else f" (version {newest}, and this program is {__version__})"
        raise WarehouseError(
            f"This database was made by a newer Brapped{versions} that knows {', '.join(unknown)}. Update the program; nothing was"
            " touched."
        )
    if changed := [name for name in schema if name in applied and applied[name] != checksum(name)]:
        raise WarehouseError(
            f"sql/{', sql/'.join(changed)} was changed after this database was made with it. Take the file back, and put"
            " the change into a new one; nothing was touched."
        )
    if WAREHOUSE in applied and not is_copying and run(connection, "warehouse_unfinished"):
        raise WarehouseError(
            "A copy into this database is unfinished: it does not hold everything yet. Run the same python migrate.py again."
        )
    files = [name for name in schema if name not in applied]
    ours = {name: checksum(name) for name in views}
    if files or (any(applied.get(name) != ours[name] for name in views) and not are_views_newer(rows, ours)):
        files += views
    return files


def stage(connection: Connection, tables: "Mapping[str, pd.DataFrame]") -> None:
    """Makes the temporary staging tables and fills each by one COPY. A frame's columns are those of its table."""
    for name, rows in tables.items():
        run(connection, f"load/{name}")
        copy(connection, name, rows)


def copy(connection: Connection, name: str, rows: "pd.DataFrame") -> None:
    """Adds rows to a table by one COPY. None and an empty text are null."""
    if rows.empty:
        return
    buffer = io.StringIO()
    columns = (values_of(rows[name]) for name in rows)
    csv.writer(buffer, lineterminator="\r\n").writerows(zip(*columns, strict=True))  # so that a lone \r is quoted
    buffer.seek(0)
    names = ", ".join(rows.columns)
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(f"copy {name} ({names}) from stdin with (format csv, null '')", buffer, 2**20)


def values_of(column: "pd.Series[Any]") -> list[Any]:
    """The values with None for null. A column of dtype object has no other null."""
    return (column if column.dtype == object else column.astype(object).where(column.notna(), None)).tolist()


def run(connection: Connection, name: str, **parameters: Any) -> list[Row[Any]]:
    """Runs sql/load/… or sql/query/… by name; its rows, if it has any."""
    return run_with_columns(connection, name, **parameters)[1]


def run_with_columns(connection: Connection, name: str, **parameters: Any) -> tuple[tuple[str, ...], list[Row[Any]]]:
    """The same, and what its columns are called, which there are without rows, too."""
    connection.info["step"] = name
    wanted = limits_of(connection)
    own_s = limits.STATEMENTS_S.get(name, wanted.statement_s)
    with limited(connection, replace(wanted, statement_s=max(wanted.statement_s, own_s))):
        result = connection.execute(prepared(name), parameters)
    return (tuple(result.keys()), list(result)) if result.returns_rows else ((), [])


def stream(connection: Connection, name: str, **parameters: Any) -> Iterator[Row[Any]]:
    """The rows of a question too large for memory, fetched as they are used, within the transaction."""
    connection.info["step"] = name
    yield from connection.execution_options(yield_per=STREAMED).execute(prepared(name), parameters)


def run_script(connection: Connection, name: str) -> None:
    """Runs a file as it stands, without parameters: a colon or a percent sign in it is just that."""
    connection.info["step"] = name
    with driver_cursor(connection) as cursor:
        cursor.execute(script(name))


def driver_cursor(connection: Connection) -> psycopg2.extensions.cursor:
    """psycopg2's own cursor within the transaction: for COPY, and for scripts that take no parameters."""
    cursor = driver_of(connection).cursor()
    if words := due(connection):
        cursor.execute(words)
    return cursor


@cache
def prepared(name: str) -> Any:
    return text(script(name if "/" in name else f"query/{name}"))


@cache
def script(name: str) -> str:
    return (sql_folder() / f"{name}.sql").read_text(encoding="utf-8")


def checksum(name: str) -> str:
    return hashlib.sha256(script(name).encode()).hexdigest()


def names_in(folder: str) -> list[str]:
    return [f"{folder}/{path.stem}" for path in sorted((sql_folder() / folder).glob("*.sql"))]


def views_in_order() -> list[str]:
    """The files of sql/views/, each after those whose views and functions it names."""
    names = names_in("views")
    named = {name: set(re.findall(r"\blistening\.(\w+)", script(name))) for name in names}
    order = TopologicalSorter({name: {f"views/{other}" for other in named[name]} & {*names} - {name} for name in names})
    order.prepare()
    ordered = []
    while order.is_active():
        ready = sorted(order.get_ready())
        ordered += ready
        order.done(*ready)
    return ordered


@cache
def sql_folder() -> Path:
    """sql/ lies beside the package in a checkout, and inside it once installed."""
    package = Path(__file__).resolve().parent
    inside = package / "sql"
    return inside if inside.is_dir() else package.parent / "sql"
