"""Connect to the warehouse: transactions with retries, and migrations."""

import logging
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from etl import limits
from etl.clock import Clock
from etl.counts import many
from etl.limits import Limits
from etl.warehouse.engine import autocommitting, engine_of
from etl.warehouse.errors import (
    ABOUT_VALUES,
    LOCK_NOT_AVAILABLE,
    ValuesRefused,
    WarehouseError,
    is_passing,
    sentence_about,
    state_of,
)
from etl.warehouse.locks import (
    LockTimeout,
    OutOfOrder,
    lock_listeners,
    lock_timeout,
)
from etl.warehouse.rebuild import DUE, changes, rebuild_if_due, total_of
from etl.warehouse.schema import migrate_within, pending, rows_if_current, views_in_order
from etl.warehouse.statements import names_in, script

log = logging.getLogger(__name__)

Result = TypeVar("Result")
TRIES = 6  # with pauses of 0.5 to 8 s: a suspended database wakes up within a few seconds


def backoff_s(failures: int) -> float:
    """Seconds to wait after this many failures (from 1): 0.5, 1, 2, 4, then 8, each with 25 % jitter either way."""
    return min(0.5 * 2.0 ** (failures - 1), 8) * random.uniform(0.75, 1.25)  # noqa: S311  jitter, not a secret


class Warehouse:
    """A Postgres database; reconnects when a connection breaks. `repr` does not show the URL.

    `clock`: this computer's clock, compared with the database's before anything is recorded; None: not compared.
    `name`: the setting or option that `url` comes from, for error messages. `start_again`: starts a server that this
    program itself has to start, unless it answers; returns its URL, and raises WarehouseError. `pool_size`: connections
    at most, which threads share. `tries`: how often a transaction is tried while the database does not answer.
    """

    def __init__(
        self,
        url: str,
        clock: Clock | None = None,
        *,
        name: str = "DATABASE_URL",
        start_again: Callable[[], str] | None = None,
        pool_size: int = 1,
        tries: int = TRIES,
    ) -> None:
        self.tries = tries
        self.pool_size = pool_size
        self.search_path = script("ops/migrations/search_path")
        self.engine = engine_of(url, self.search_path, pool_size)
        self.clock = clock
        self.name = name
        self.start_again = start_again

    def __repr__(self) -> str:
        return "Warehouse(…)"

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def begin(self, wanted: Limits | None = None, *, is_question: bool = False) -> Iterator[Connection]:
        """One transaction, without retries. Raises LockTimeout, otherwise the driver's errors.

        `is_question`: each statement is its own transaction, in a single round trip (`engine.autocommitting`).
        """
        known: dict[str, Any] = {}
        try:
            with self.engine.connect() as connection:
                known = connection.info  # still readable after the connection is invalidated
                known.update(limits=wanted or limits.SHORT, search_path=None)
                with autocommitting(connection) if is_question else nullcontext(), connection.begin():
                    yield connection
            return
        except (DBAPIError, psycopg2.Error) as error:
            if state_of(error) != LOCK_NOT_AVAILABLE:
                raise
        raise lock_timeout(
            self.engine,
            known["waiting_for"],
            is_schema_change=known["limits_set"] in (limits.MIGRATING, limits.COPYING),
            reads_behind=known["reads_behind"],
        )

    def ask(self, question: Callable[[Connection], Result]) -> Result:
        """Run `question`, which changes nothing and takes no lock: one round trip for each of its statements."""
        return self.transaction(question, is_question=True)

    def transaction(
        self, work: Callable[[Connection], Result], wanted: Limits | None = None, *, is_question: bool = False
    ) -> Result:
        """Run `work` in one transaction, and from the start again after a lost connection or a serialization failure.

        `work` has to be idempotent: a commit whose answer was lost may have succeeded. `wanted`: the timeouts of its
        statements and locks; by default those of a short run. Raises WarehouseError after `tries` attempts, or at once
        for an error that a retry can't fix; ValuesRefused for a value that does not fit; LockTimeout.
        """
        first: set[int] = set()
        started_s = time.monotonic()
        attempt = 1
        while True:
            try:
                with self.begin(wanted, is_question=is_question) as connection:
                    lock_listeners(connection, first)
                    return work(connection)
            except OutOfOrder as order:
                first |= order.keys
                continue
            except (DBAPIError, psycopg2.Error) as error:
                failure = error
            is_late = time.monotonic() - started_s > limits.ANOTHER_TRY_S
            if not is_passing(failure) or attempt >= self.tries or is_late:
                break
            self.engine.dispose()  # the pooled connection is likely broken too
            log.info("The database does not answer (try %d of %d)", attempt, TRIES)
            is_conflict = (state_of(failure) or "").startswith("40")  # with another session: the server is there
            if self.start_again is not None and attempt == 1 and not is_conflict:
                self.engine = engine_of(self.start_again(), self.search_path, self.pool_size)
            else:
                time.sleep(backoff_s(attempt))
            attempt += 1
        # Raised outside the except block, so that the driver's error, which may quote a row or a URL, is not chained.
        tries = f" ({attempt} tries)." if attempt > 1 else "."
        state = state_of(failure)
        kind = ValuesRefused if state in ABOUT_VALUES else WarehouseError
        is_reached = state is not None and not is_passing(failure)
        raise kind(sentence_about(failure, self.name).removesuffix(".") + tries, is_reached=is_reached)

    def migrate(
        self, now: datetime, version: str, *, views_may_wait: bool = False, plays_may_wait: bool = False
    ) -> list[str]:
        """Bring the schema up to date in one transaction; the names of the files applied. One query if there are none.

        Then derive the plays anew of listeners of whom that is due, one transaction each: minutes for a million plays.
        `plays_may_wait`: leave that to another run. Waits a few seconds at a time for readers to release their locks,
        then raises LockTimeout. `views_may_wait`: the caller uses tables only, so outdated views are no reason to fail;
        the next run replaces them.

        Every job that records calls it first. It therefore also raises WrongClock, before it changes anything.
        """
        known = self.ask(lambda connection: rows_if_current(connection, self.clock, [DUE]))
        files = self._apply_pending(now, version, views_may_wait=views_may_wait) if known is None else []
        if not plays_may_wait and (due := known[DUE] if known else self.rebuilds_due()):
            self.rebuild_due([row["listener_key"] for row in due], now)
        return files

    def rebuilds_due(self) -> list[dict[str, Any]]:
        """The listeners whose plays are to be derived anew, as sql/ops/migrations/rebuild_due.sql has them.

        None before the schema is up to date. Raises WarehouseError and WrongClock.
        """
        known = self.ask(lambda connection: rows_if_current(connection, self.clock, [DUE]))
        return known[DUE] if known else []

    def rebuild_due(self, keys: Sequence[int], now: datetime) -> None:
        """Derive the plays anew of listeners of whom that is due, one transaction each, and log what changed.

        Killed at any moment and called again, it goes on with the next listener. Raises WarehouseError.
        """
        log.info("The rule that decides which observations are one play has changed: all plays are derived anew.")
        results = []
        for key in keys:
            results.append(
                self.transaction(lambda connection: rebuild_if_due(connection, key, now), limits.REBUILDING)  # noqa: B023  called at once
            )
        rebuilt = total_of([one for one in results if one is not None])
        log.info(
            "%s of %s derived anew: %s.",
            many(rebuilt.play_count, "play"),
            many(len(keys), "listener"),
            changes(rebuilt),
        )

    def _apply_pending(self, now: datetime, version: str, *, views_may_wait: bool) -> list[str]:
        """`migrate` without its first query and without the plays."""
        attempt = 1
        while True:
            try:
                return self.transaction(lambda connection: migrate_within(connection, now, version, clock=self.clock))
            except LockTimeout as error:
                held = error
            if attempt == limits.MIGRATION_TRIES:
                break
            attempt += 1
            time.sleep(limits.MIGRATION_PAUSE_S)
        if not views_may_wait or any(name.startswith("schema/") for name in self.pending()):
            raise held
        log.warning("The views were not updated; the next run tries again. %s", held)
        return []

    def pending(self) -> list[str]:
        """Names of the files of sql/schema, sql/functions and sql/views that still have to be applied."""
        return self.transaction(pending)

    def must_be_current(self) -> None:
        """Raise WarehouseError if the schema is not up to date. Changes nothing."""
        if waiting := self.pending():
            have = (
                "The database is empty"
                if len(waiting) == len(names_in("schema") + views_in_order())
                else "The database is older than this program"
            )
            raise WarehouseError(f"{have}: the next run of a job, or python migrate.py, brings it up to date.")
