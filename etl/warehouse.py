"""Postgres: connect, migrate, stage, ask. Runs the files of sql/ by name."""

import csv
import hashlib
import io
import logging
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import suppress
from datetime import datetime
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection, Engine, Row, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)

Result = TypeVar("Result")

TRIES = 6  # pauses of 0.5 to 8 s: a database that has to be woken up answers within a few seconds
STREAMED = 5_000  # rows fetched at a time
RETRYABLE_STATES = ("08", "40001", "40P01", "53300", "57P01", "57P02", "57P03")
HOPELESS_WORDS = (
    "password",
    "authentication",
    "does not exist",
    "invalid ",
    "endpoint is disabled",
    "endpoint cannot be found",
)
ABOUT_VALUES = ("21", "22", "23", "54")  # SQLSTATE classes: cardinality, data, constraints, limits of the program
SPENT_WORDS = ("compute time quota", "check your quotas")

# First halves of advisory locks, before the key of what is locked. They end with the transaction: fit for a proxy.
LISTENER_LOCK = 0x6272_6170  # merges of one listener
SCHEMA_LOCK = 0x6272_6171  # changes of the schema
WAREHOUSE = "schema/008_warehouse"  # since then a database knows which warehouse it is


class WarehouseError(Exception):
    """The database did not do its part. The message is for the person: no address, no password, no value of a row."""


class ValuesRefused(WarehouseError):
    """Postgres refused a value, and not the statement: the rest of the batch may go in without it."""


class Warehouse:
    """One Postgres, reached anew when it goes away. `repr` shows no address."""

    def __init__(self, url: str) -> None:
        self.engine = engine_of(url)

    def __repr__(self) -> str:
        return "Warehouse(…)"

    def close(self) -> None:
        self.engine.dispose()

    def transaction(self, work: Callable[[Connection], Result]) -> Result:
        """Does `work` in one transaction, again from its start when the database went away or asks for it.

        So `work` has to be harmless to repeat, as everything here is: a commit whose answer was lost may have happened.
        """
        for attempt in range(1, TRIES + 1):
            try:
                with self.engine.begin() as connection:
                    return work(connection)
            except (DBAPIError, psycopg2.Error) as error:
                trouble = error
            if not is_passing(trouble) or attempt == TRIES:
                break
            self.engine.dispose()  # whatever broke one connection broke the pooled one too
            pause_s = min(0.5 * 2 ** (attempt - 1), 8) * random.uniform(0.75, 1.25)  # noqa: S311  jitter, not a secret
            log.info("The database does not answer (try %d of %d)", attempt, TRIES)
            time.sleep(pause_s)
        # Raised out here, so that the driver's error, which may quote a row or an address, does not come along.
        state = str(getattr(getattr(trouble, "orig", trouble), "pgcode", None))
        raise (ValuesRefused if state.startswith(ABOUT_VALUES) else WarehouseError)(sentence_about(trouble))

    def migrate(self, now: datetime, version: str) -> list[str]:
        """Brings the schema up to date, all or nothing; names of the files applied. Cheap when there is nothing to do."""
        return self.transaction(lambda connection: migrate_within(connection, now, version))

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


def migrate_within(connection: Connection, now: datetime, version: str, only: Set[str] | None = None) -> list[str]:
    """What Warehouse.migrate does, as a part of a transaction. `only`: just these files, for a copy that is being made."""

    def missing() -> list[str]:
        if only is None:
            return pending(connection)
        return [name for name in pending(connection, is_copying=True) if name in only]

    if not missing():
        return []
    lock(connection, SCHEMA_LOCK, 0)
    files = missing()  # again: another program may have been quicker
    if files:
        connection.execute(text("create schema if not exists listening"))
        connection.execute(text("create schema if not exists ops"))
        run(connection, "schema_change")
    for name in files:
        run_script(connection, name)
        run(
            connection,
            "schema_change_recorded",
            file_name=name,
            checksum=checksum(name),
            applied_at=now,
            program_version=version,
        )
    return files


def engine_of(url: str) -> Engine:
    """One connection, kept between transactions. Raises WarehouseError, which repeats nothing of the address."""
    with suppress(SQLAlchemyError, ValueError):
        return create_engine(
            make_url(url).set(drivername="postgresql+psycopg2"),
            hide_parameters=True,
            pool_size=1,
            max_overflow=0,
            pool_pre_ping=True,
            connect_args={"connect_timeout": 15},
        )
    raise WarehouseError("DATABASE_URL can't be read by the Postgres driver; check what follows the question mark.")


def pending(connection: Connection, *, is_copying: bool = False) -> list[str]:
    """Schema files not applied, and all views when one of them is new or changed. A pure question.

    Raises WarehouseError for a database that a newer program made, for a schema file changed after it was applied, and (unless
    `is_copying`) for a database that another one is being copied into.
    """
    is_made = connection.execute(text("select to_regclass('ops.schema_change')")).scalar()
    applied = {row.file_name: row.checksum for row in run(connection, "schema_state")} if is_made else {}
    schema = names_in("schema")
    views = views_in_order()
    if unknown := sorted(name for name in applied if name.startswith("schema/") and name not in schema):
        raise WarehouseError(
            f"This database was made by a newer Brapped ({', '.join(unknown)}). Update the program; nothing was touched."
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
    if files or any(applied.get(name) != checksum(name) for name in views):
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


def lock(connection: Connection, half: int, key: int) -> None:
    """Waits for the advisory lock (half, key) and holds it until the transaction ends."""
    connection.execute(text("select pg_advisory_xact_lock(:half, :key)"), {"half": half, "key": key})


def run(connection: Connection, name: str, **parameters: Any) -> list[Row[Any]]:
    """Runs sql/load/… or sql/query/… by name; its rows, if it has any."""
    return run_with_columns(connection, name, **parameters)[1]


def run_with_columns(connection: Connection, name: str, **parameters: Any) -> tuple[tuple[str, ...], list[Row[Any]]]:
    """The same, and what its columns are called, which there are without rows, too."""
    connection.info["step"] = name
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
    driver: psycopg2.extensions.connection = connection.connection.driver_connection  # type: ignore[assignment]
    return driver.cursor()


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


def is_passing(error: Exception) -> bool:
    """Whether trying again can help."""
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(driver_error, "pgcode", None)
    if state:
        return str(state).startswith(RETRYABLE_STATES)
    if not isinstance(driver_error, psycopg2.OperationalError | psycopg2.InterfaceError):
        return False
    # Without a state: it could not connect, or the connection broke (over TLS nothing else tells).
    words = str(driver_error).lower()
    return not any(word in words for word in HOPELESS_WORDS + SPENT_WORDS)


def sentence_about(error: Exception) -> str:
    """What happened, in words that hold nothing secret: the driver's own quote addresses, and values of rows."""
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    words = str(driver_error).lower()
    state = getattr(driver_error, "pgcode", None)
    if any(word in words for word in SPENT_WORDS):
        return "The database's host says that its quota for this month is used up; nothing can be recorded until it is renewed."
    if state is None or str(state).startswith("28"):
        if "password" in words or "authentication" in words or re.search(r'role ".*" does not exist', words):
            return "The database refuses the user or password in DATABASE_URL."
        if "endpoint" in words or "does not exist" in words:
            return "The server answers, but the database or endpoint that DATABASE_URL names does not exist there, or is disabled."
        if "ssl" in words and "support" in words:
            return "DATABASE_URL asks for TLS (sslmode), but the server does not offer it."
        if "could not translate host name" in words:
            return "The host in DATABASE_URL can't be found."
        if isinstance(driver_error, psycopg2.ProgrammingError) or "invalid " in words:
            return "DATABASE_URL can't be read by the Postgres driver; check what follows the question mark."
        return f"The database can't be reached, or the connection broke again and again ({TRIES} tries)."
    if str(state) == "25006":
        return "The database takes no changes (read-only): a spent plan, a full disk or a standby server can be the reason."
    if str(state) == "42501":
        return "The user in DATABASE_URL may not create tables or write to them."
    if str(state) in ("53100", "53200"):
        return "The database is out of space or memory; nothing was recorded. Make room or move to a larger plan."
    if str(state).startswith("3D"):
        return "The server answers, but the database that DATABASE_URL names does not exist there."
    diagnosis = getattr(driver_error, "diag", None)
    places = [
        f"{kind} {name}"
        for kind in ("table", "column", "constraint")
        if (name := getattr(diagnosis, f"{kind}_name", None))
    ]
    return f"Postgres refused a statement: {type(driver_error).__name__} ({', '.join([f'SQLSTATE {state}', *places])})."
