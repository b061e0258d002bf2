"""Connections to Postgres that never hang: each statement has a timeout on the server and one on the client."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, ClassVar, cast
from weakref import WeakSet

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.dialects import registry
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from etl import limits
from etl.deadline import Watchdog
from etl.limits import Limits
from etl.warehouse.errors import OPTION, AnswerTimeout, WarehouseError

registry.register("postgresql.brapped", "etl.warehouse.dialect", "Dialect")
WATCHDOG = Watchdog()
FRESH_S = 5  # after an answer no ping is sent for so long; a connection that breaks meanwhile costs a retry


class WatchedConnection(psycopg2.extensions.connection):
    """A connection that is cut when the server does not answer within a statement's timeout.

    Keepalives do not detect a server that is alive but stuck, or a proxy whose server is gone. psycopg2 has no timeout
    for an answer.
    """

    opened: ClassVar[WeakSet["WatchedConnection"]] = WeakSet()  # of this process
    is_over: ClassVar[bool] = False  # the process is about to exit

    answer_timeout_s: float | None = None  # None: the timeout of a short transaction
    is_cut = False
    answered_s: float | None = None  # when the server last answered, by the monotonic clock

    @property
    def has_just_answered(self) -> bool:
        is_fresh = self.answered_s is not None and time.monotonic() - self.answered_s < FRESH_S
        return is_fresh and not self.is_cut and not self.closed

    @classmethod
    def cancel_all(cls) -> None:
        """Cancels every running statement, so that the server holds no lock after this process exits."""
        for connection in list(cls.opened):
            with suppress(psycopg2.Error):
                connection.cancel()

    @classmethod
    def end_all(cls) -> None:
        """The same in a process that is about to exit: whoever waits for an answer, or asks anew, never goes on.

        Else a thread whose statement is cancelled could still say or record something, on a machine so busy that it
        takes a while to exit.
        """
        cls.is_over = True
        cls.cancel_all()

    def commit(self) -> None:
        with self.watched():
            super().commit()

    def rollback(self) -> None:
        with self.watched():
            super().rollback()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Cut the connection if the body takes too long. Raises AnswerTimeout."""
        timeout_s = self.answer_timeout_s or limits.SHORT.statement_s + limits.GRACE_S
        wait_if_over()
        try:
            with WATCHDOG.watching(timeout_s, self._cut):
                yield
        except psycopg2.Error:
            wait_if_over()
            if not self.is_cut:
                raise
        else:
            self.answered_s = time.monotonic()
            return
        raise AnswerTimeout(f"no answer within {timeout_s:g} s")

    def _cut(self) -> None:
        self.is_cut = True
        with suppress(psycopg2.Error, OSError, ValueError):  # it was closed in the meantime
            there = socket.socket(fileno=self.fileno())
            try:
                there.shutdown(socket.SHUT_RDWR)
            finally:
                there.detach()  # the descriptor belongs to libpq


def wait_if_over() -> None:
    """Wait for the exit of a process that is about to."""
    if WatchedConnection.is_over:
        threading.Event().wait()


class WatchedCursor(psycopg2.extensions.cursor):
    """A cursor that limits every wait for the server. Only a named (server-side) cursor waits while fetching."""

    connection: WatchedConnection

    def execute(self, query: Any, vars: Any = None) -> None:
        with self.connection.watched():
            super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        with self.connection.watched():
            super().copy_expert(sql, file, size)

    def close(self) -> None:
        if self.name is None:
            return super().close()
        with self.connection.watched():
            return super().close()

    def fetchmany(self, size: int | None = None) -> list[tuple[Any, ...]]:
        if self.name is None:
            return super().fetchmany(size)
        with self.connection.watched():
            return super().fetchmany(size)


# Every transaction starts with at least this, so that an object in another schema can't shadow a built-in name.
SAFE_PATH = "set local search_path = pg_catalog, pg_temp"


def engine_of(url: str, search_path: str = SAFE_PATH + ";", pool_size: int = 1) -> Engine:
    """An engine with `pool_size` pooled connections. Raises WarehouseError for an invalid URL, without quoting it.

    `search_path`: statements that set the search path at the start of every transaction, each ending in a semicolon.
    """
    with suppress(SQLAlchemyError, ValueError):
        address = make_url(url).set(drivername="postgresql+brapped")
        engine = create_engine(
            address,
            hide_parameters=True,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            use_native_hstore=False,  # or each connection would ask for a type that nothing here has
            connect_args=options_of(address.query),
        )
        event.listen(engine, "connect", _connected, insert=True)
        limit(engine, search_path)
        return engine
    raise WarehouseError(OPTION)


def _connected(opened: WatchedConnection, _: Any) -> None:
    WatchedConnection.opened.add(opened)


def options_of(query: Mapping[str, Any]) -> dict[str, Any]:
    """Connection arguments for psycopg2. Parameters in the URL's query string (`query`) take precedence."""
    own = {
        "connect_timeout": limits.CONNECT_S,
        "keepalives": 1,
        "keepalives_idle": limits.KEEPALIVE_S,
        "keepalives_interval": limits.KEEPALIVE_PAUSE_S,
        "keepalives_count": limits.KEEPALIVE_TRIES,
        "tcp_user_timeout": limits.UNACKNOWLEDGED_S * 1000,
    }
    wanted = {name: value for name, value in own.items() if name not in query}
    return {**wanted, "connection_factory": WatchedConnection, "cursor_factory": WatchedCursor}


def limit(engine: Engine, search_path: str) -> None:
    """Start every transaction of an engine with its search path and timeouts.

    They are prepended to its first statement, so they cost no round trip. They can't be connection options: a pooling
    proxy rejects those, or leaks them to the next client of the same server connection.
    """
    event.listen(engine, "begin", partial(_begin, search_path))
    event.listen(engine, "rollback_savepoint", _forget)
    event.listen(engine, "before_cursor_execute", _before, retval=True)


def _begin(search_path: str, connection: Connection) -> None:
    connection.info["limits_set"] = None
    connection.info["search_path_of_engine"] = search_path
    connection.info["listeners_held"] = set()
    connection.info["waiting_for"] = None
    connection.info["reads_behind"] = False


def _forget(connection: Connection, name: str, context: Any) -> None:
    connection.info["limits_set"] = None


def _before(
    connection: Connection, cursor: WatchedCursor, statement: str, parameters: Any, context: Any, executemany: bool
) -> tuple[str, Any]:
    if statement.startswith("ROLLBACK TO SAVEPOINT"):  # in a failed transaction no other statement may come first
        return statement, parameters
    if settings := settings_due(connection):
        if cursor.name is None and not executemany:
            return settings + statement, parameters
        with driver_of(connection).cursor() as other:  # DECLARE CURSOR has to be sent alone
            other.execute(settings)
    return statement, parameters


@contextmanager
def autocommitting(connection: Connection) -> Iterator[None]:
    """Send each statement and its timeouts as one message, without BEGIN and COMMIT.

    Postgres runs such a message as one transaction, so each statement is a single round trip, also through a pooling
    proxy. The statements do not share a snapshot.
    """
    driver, known = driver_of(connection), connection.info
    driver.autocommit = known["is_at_once"] = True
    try:
        yield
    finally:
        known["is_at_once"] = False
        if not driver.closed:
            driver.autocommit = False


@contextmanager
def limited(connection: Connection, wanted: Limits) -> Iterator[None]:
    """Use other timeouts than the transaction's for the statements in the body."""
    known = connection.info  # still readable after the connection is invalidated
    before = known.get("limits")
    known["limits"] = wanted
    try:
        yield
    finally:
        known["limits"] = before


def limits_of(connection: Connection) -> Limits:
    """The timeouts of the next statement."""
    wanted: Limits | None = connection.info.get("limits")
    return wanted or limits.SHORT


def settings_due(connection: Connection) -> str:
    """SET LOCAL statements to prepend to the next statement; "" if its timeouts are already set."""
    wanted = limits_of(connection)
    is_at_once = connection.info.get("is_at_once", False)
    if not is_at_once and (driver_of(connection).autocommit or connection.info.get("limits_set") == wanted):
        return ""
    is_first = is_at_once or connection.info["limits_set"] is None
    connection.info["limits_set"] = wanted
    driver_of(connection).answer_timeout_s = wanted.statement_s + limits.GRACE_S
    known = connection.info
    path = (known.get("search_path") or known["search_path_of_engine"]) if is_first else ""
    return (
        f"{path} set local statement_timeout = {milliseconds(wanted.statement_s)};"
        f" set local lock_timeout = {milliseconds(wanted.lock_s)};"
        f" set local idle_in_transaction_session_timeout = {milliseconds(wanted.idle_s)};"
        f" set local application_name = '{wanted.name}';\n"
    )


def milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))  # to Postgres 0 means no limit


def driver_of(connection: Connection) -> WatchedConnection:
    """The psycopg2 connection behind a SQLAlchemy one."""
    return cast(WatchedConnection, connection.connection.driver_connection)
