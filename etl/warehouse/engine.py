"""Connections to Postgres that never wait for ever: each statement has limits at the server, and one at the client."""

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
from etl.limits import Limits
from etl.warehouse.errors import OPTION, AnswerTimeout, WarehouseError

registry.register("postgresql.brapped", "etl.warehouse.dialect", "Dialect")
FRESH_S = 5  # after an answer, in which a connection needs no ping; one that breaks even so costs another try


class WatchedConnection(psycopg2.extensions.connection):
    """A connection that is cut when the server says nothing for longer than a statement may take.

    Keepalives don't help against a server that is alive and silent, nor against a proxy before one that is gone; and
    psycopg2 itself waits without end.
    """

    opened: ClassVar[WeakSet["WatchedConnection"]] = WeakSet()  # of this process

    answer_timeout_s: float | None = None  # for one answer; None: as long as a statement of a short transaction may take
    is_cut = False
    answered_s: float | None = None  # when the server last answered, by the monotonic clock

    @property
    def has_just_answered(self) -> bool:
        is_fresh = self.answered_s is not None and time.monotonic() - self.answered_s < FRESH_S
        return is_fresh and not self.is_cut and not self.closed

    @classmethod
    def cancel_all(cls) -> None:
        """Ends whatever statement is under way at a server, so that it holds no lock once this process is gone."""
        for connection in list(cls.opened):
            with suppress(psycopg2.Error):
                connection.cancel()

    def commit(self) -> None:
        with self.watched():
            super().commit()

    def rollback(self) -> None:
        with self.watched():
            super().rollback()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Cuts the connection when what is done meanwhile takes too long. Raises Silent then."""
        patience_s = self.answer_timeout_s or limits.SHORT.statement_s + limits.GRACE_S
        timer = threading.Timer(patience_s, self._cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except psycopg2.Error:
            if not self.is_cut:
                raise
        else:
            self.answered_s = time.monotonic()
            return
        finally:
            timer.cancel()
        raise AnswerTimeout(f"no answer within {patience_s:g} s")

    def _cut(self) -> None:
        self.is_cut = True
        with suppress(psycopg2.Error, OSError):  # it was closed in the meantime
            there = socket.socket(fileno=self.fileno())
            try:
                there.shutdown(socket.SHUT_RDWR)
            finally:
                there.detach()  # the descriptor belongs to libpq


class WatchedCursor(psycopg2.extensions.cursor):
    """A cursor whose every wait for the server is watched. Fetching is one only where it has a name."""

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


# The least that a transaction begins with: no name may mean what the database chooses.
SAFE_PATH = "set local search_path = pg_catalog, pg_temp"


def engine_of(url: str, search_path: str = SAFE_PATH + ";") -> Engine:
    """One connection, kept between transactions. Raises WarehouseError, which repeats nothing of the address.

    search_path: the statements with which every transaction sets its own, each with its semicolon.
    """
    with suppress(SQLAlchemyError, ValueError):
        address = make_url(url).set(drivername="postgresql+brapped")
        engine = create_engine(
            address,
            hide_parameters=True,
            pool_size=1,
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
    """What a connection is made with. What the address says about it (`query`, behind its question mark) goes first."""
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
    """Lets every transaction of an engine begin with its search path and its limits.

    They are words before its first statement, and cost no round trip of their own. They can't be options of the
    connection: a pooling proxy refuses these, or leaves them to the next who gets the same connection to the server.
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
    if statement.startswith("ROLLBACK TO SAVEPOINT"):  # after an error nothing else may come before it
        return statement, parameters
    if words := settings_due(connection):
        if cursor.name is None and not executemany:
            return words + statement, parameters
        with driver_of(connection).cursor() as other:  # a cursor's declaration takes one statement
            other.execute(words)
    return statement, parameters


@contextmanager
def autocommitting(connection: Connection) -> Iterator[None]:
    """Sends each statement and its limits in one message, which Postgres takes for a transaction: no begin and no commit.

    So each is a single round trip, also through a pooling proxy. They do not see what a transaction would keep together.
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
    """Gives the statements within other limits than those of their transaction."""
    known = connection.info  # to be asked when the connection can't be any more
    before = known.get("limits")
    known["limits"] = wanted
    try:
        yield
    finally:
        known["limits"] = before


def limits_of(connection: Connection) -> Limits:
    """The limits of the next statement."""
    wanted: Limits | None = connection.info.get("limits")
    return wanted or limits.SHORT


def settings_due(connection: Connection) -> str:
    """The statements that have to come before the next one, so that its limits hold; "" when they hold already."""
    wanted = limits_of(connection)
    is_at_once = connection.info.get("is_at_once", False)
    if not is_at_once and (driver_of(connection).autocommit or connection.info.get("limits_set") == wanted):
        return ""
    is_first = is_at_once or connection.info["limits_set"] is None
    connection.info["limits_set"] = wanted
    driver_of(connection).patience_s = wanted.statement_s + limits.GRACE_S
    known = connection.info
    path = (known.get("search_path") or known["search_path_of_engine"]) if is_first else ""
    return (
        f"{path} set local statement_timeout = {milliseconds(wanted.statement_s)};"
        f" set local lock_timeout = {milliseconds(wanted.lock_s)};"
        f" set local idle_in_transaction_session_timeout = {milliseconds(wanted.idle_s)};"
        f" set local application_name = '{wanted.name}';\n"
    )


def milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))  # 0 would be no limit at all


def driver_of(connection: Connection) -> WatchedConnection:
    """psycopg2's own connection."""
    return cast(WatchedConnection, connection.connection.driver_connection)
