"""Postgres: connect, migrate, stage, ask. Runs the files of sql/ by name."""

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from typing import Any, TypeVar

import psycopg2
import psycopg2.extensions
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from etl import limits
from etl.clock import Clock
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
    Busy,
    OutOfOrder,
    busy,
    lock_listeners,
)
from etl.warehouse.schema import rows_if_current, migrate_within, pending, views_in_order
from etl.warehouse.statements import names_in, script

log = logging.getLogger(__name__)

Result = TypeVar("Result")
TRIES = 6  # pauses of 0.5 to 8 s: a database that has to be woken up answers within a few seconds


def backoff_s(failures: int) -> float:
    """Seconds to wait after so many failures (from 1): 0.5, 1, 2, 4, then 8, each with a quarter of jitter either way."""
    return min(0.5 * 2.0 ** (failures - 1), 8) * random.uniform(0.75, 1.25)  # noqa: S311  jitter, not a secret


class Warehouse:
    """One Postgres, reached anew when it goes away. `repr` shows no address. `clock`: this computer's, which has to agree with
    the database's before anything is recorded; None: they are not compared. `name`: the setting or option that `url` is
    from, as errors call it."""

    def __init__(self, url: str, clock: Clock | None = None, *, name: str = "DATABASE_URL") -> None:
        self.engine = engine_of(url, script("ops/migrations/search_path"))
        self.clock = clock
        self.name = name

    def __repr__(self) -> str:
        return "Warehouse(…)"

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def begin(self, wanted: Limits | None = None, *, is_question: bool = False) -> Iterator[Connection]:
        """One transaction, tried once. Raises Busy when another session held what it needs, and the driver's errors.

        `is_question`: every statement is a transaction of its own, in a single round trip (`engine.at_once`).
        """
        known: dict[str, Any] = {}
        try:
            with self.engine.connect() as connection:
                known = connection.info  # to be asked when the connection can't be any more
                known.update(limits=wanted or limits.SHORT, search_path=None)
                with autocommitting(connection) if is_question else nullcontext(), connection.begin():
                    yield connection
            return
        except (DBAPIError, psycopg2.Error) as error:
            if state_of(error) != LOCK_NOT_AVAILABLE:
                raise
        raise busy(
            self.engine,
            known["waiting_for"],
            is_schema_change=known["limits_set"] in (limits.MIGRATING, limits.COPYING),
            reads_behind=known["reads_behind"],
        )

    def ask(self, question: Callable[[Connection], Result]) -> Result:
        """Does `question`, which changes nothing and holds no lock, with a single round trip for each of its statements."""
        return self.transaction(question, is_question=True)

    def transaction(
        self, work: Callable[[Connection], Result], wanted: Limits | None = None, *, is_question: bool = False
    ) -> Result:
        """Does `work` in one transaction, again from its start when the database went away or asks for it.

        So `work` has to be harmless to repeat, as everything here is: a commit whose answer was lost may have happened.
        `wanted`: how long its statements and its waits may take; those of a short run by default.
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
                trouble = error
            is_late = time.monotonic() - started_s > limits.ANOTHER_TRY_S
            if not is_passing(trouble) or attempt == TRIES or is_late:
                break
            self.engine.dispose()  # whatever broke one connection broke the pooled one too
            log.info("The database does not answer (try %d of %d)", attempt, TRIES)
            time.sleep(backoff_s(attempt))
            attempt += 1
        # Raised out here, so that the driver's error, which may quote a row or an address, does not come along.
        tries = f" ({attempt} tries)." if attempt > 1 else "."
        state = state_of(trouble)
        kind = ValuesRefused if state in ABOUT_VALUES else WarehouseError
        is_reached = state is not None and not is_passing(trouble)
        raise kind(sentence_about(trouble, self.name).removesuffix(".") + tries, is_reached=is_reached)

    def migrate(self, now: datetime, version: str, *, views_may_wait: bool = False) -> list[str]:
        """Brings the schema up to date, all or nothing; names of the files applied. Cheap when there is nothing to do.

        Waits a few seconds at a time for whoever reads, and raises Busy when they don't let go. `views_may_wait`: the caller
        uses tables only, so that views of an older version don't keep it from its work; the next run replaces them.

        Everything that records begins with it. So it also raises WrongClock, before it changes anything.
        """
        if self.ask(lambda connection: rows_if_current(connection, self.clock)) is not None:
            return []
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
        if not views_may_wait or any(name.startswith("schema/") for name in self.pending()):
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
                if len(waiting) == len(names_in("schema") + views_in_order())
                else "The database is older than this program"
            )
            raise WarehouseError(f"{have}: the next run of a job, or python migrate.py, brings it up to date.")
