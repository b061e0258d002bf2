"""A run of a job: its row in `ops.run`, and the `Outcome` that the CLI prints."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Connection

from etl import __version__
from etl.clock import Clock, WrongClock
from etl.counts import many
from etl.deadline import Deadline
from etl.jobs import unrecorded
from etl.notices import Warned
from etl.settings import Settings
from etl.spotify.accounts import Accounts
from etl.spotify.errors import RateLimited
from etl.spotify.http import RetryBudget
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError
from etl.warehouse.locks import LockTimeout
from etl.warehouse.pauses import note_pause
from etl.warehouse.statements import run

APP_SETTINGS = ("SPOTIFY_CLIENT_ID", "SPOTIFY_CLIENT_SECRET")


class ListenersFailed(Exception):
    """The plays of some listeners could not be recorded; those of the others are. `first`: the first failure.

    The message names them by number. Of an error that is none of the program's own it gives the type only.
    """

    def __init__(self, failures: Mapping[int, Exception], done_count: int) -> None:
        self.first = next(iter(failures.values()))
        told = []
        for number, error in failures.items():
            is_ours = type(error).__module__.startswith("etl.")
            told.append(f"Listener {number}: {error if is_ours else f'An unexpected {type(error).__name__}.'}")
        super().__init__(f"{' '.join(told)} {many(done_count, 'other listener')} recorded.")


@dataclass(frozen=True)
class Outcome:
    """The result of a run. Its line and warnings may go into any log: numbers and times, no title and no secret."""

    line: str
    warnings: tuple[Warned, ...] = ()
    is_good: bool = True
    is_report_due: bool = False  # in the first run on GitHub after six by the listener's clock
    gave_way: bool = False  # another run held the lock: nothing was recorded, and nothing is wrong
    new_count: int | None = None  # plays that were not recorded before; None when the run ended earlier

    @property
    def is_news(self) -> bool:
        """True when something is new or wrong."""
        return self.new_count != 0 or bool(self.warnings) or not self.is_good


@dataclass
class Run:
    """A run in progress. Its row in ops.run is written when it ends."""

    job: str
    started_at: datetime
    listener_key: int | None = None
    scope: str | None = None  # of a pause that Spotify demands
    repository_id: int | None = None  # on GitHub
    run_number: int | None = None

    def record(
        self,
        connection: Connection,
        outcome: str,
        finished_at: datetime,
        received_count: int | None = None,
        recorded_count: int | None = None,
    ) -> int:
        """Write the row and return its run_key. Raises WarehouseError.

        outcome: done, gap, waiting or failed. received_count, recorded_count: rows or items; None when unknown.
        """
        [row] = run(connection, "ops/runs/run", **self.row(outcome, finished_at, received_count, recorded_count))
        return int(row.run_key)

    def row(
        self,
        outcome: str,
        finished_at: datetime,
        received_count: int | None = None,
        recorded_count: int | None = None,
    ) -> dict[str, Any]:
        """The parameters of sql/ops/runs/run.sql."""
        return {
            "job": self.job,
            "listener_key": self.listener_key,
            "started_at": self.started_at,
            "finished_at": finished_at,
            "outcome": outcome,
            "received_count": received_count,
            "recorded_count": recorded_count,
            "program_version": __version__,
            "repository_id": self.repository_id,
            "run_number": self.run_number,
        }


@contextmanager
def giving_way(warehouse: Warehouse, this_run: Run, clock: Clock) -> Iterator[list[str]]:
    """End the run without failure when another run of this program, such as an import, holds a lock for too long.

    Yields a list, which then has the sentence for the outcome if the run gave way. Raises LockTimeout when another
    program holds the lock.
    """
    notes: list[str] = []
    try:
        yield notes
    except LockTimeout as timeout:
        if not timeout.is_ours:
            raise
        notes.append(f"{timeout} Nothing is lost: the next run records what this one could not.")
        warehouse.transaction(lambda connection: this_run.record(connection, "waiting", clock()))


def run_of(settings: Settings, job: str, now: datetime) -> Run:
    return Run(job, now, repository_id=settings.github_repository_id, run_number=settings.github_run_number)


@contextmanager
def failure_recorded(settings: Settings, warehouse: Warehouse, this_run: Run, clock: Clock) -> Iterator[None]:
    """Record a failed run in ops.run, and the pause that Spotify demands, and raise the failure again.

    If the database can't be reached, the next run that reaches it writes the row.
    """
    try:
        yield
    except Exception as error:
        failure = error
    else:
        return
    finished_at = clock()
    if isinstance(failure, WrongClock):
        this_run.started_at = finished_at = failure.true_at

    def work(connection: Connection) -> None:
        this_run.record(connection, "waiting" if isinstance(failure, RateLimited) else "failed", finished_at)
        if isinstance(failure, RateLimited) and this_run.scope:
            note_pause(
                connection, this_run.scope, finished_at + timedelta(seconds=failure.wait_s), failure.reason, finished_at
            )

    # Do not wait a second time for a database that does not answer.
    is_recorded = not isinstance(failure, WarehouseError) or failure.is_reached
    if is_recorded:
        try:
            warehouse.transaction(work)
        except WarehouseError:
            is_recorded = False
    if not is_recorded:
        unrecorded.keep(settings, this_run.job, this_run.started_at, finished_at)
    raise failure


def record_kept_failures(settings: Settings, warehouse: Warehouse) -> None:
    """Record the runs that failed while the database could not be reached. Raises WarehouseError."""
    if not (runs := unrecorded.kept(settings)):
        return

    def work(connection: Connection) -> None:
        for one in runs:
            failed = Run(one.job, datetime.fromisoformat(one.started_at))
            failed.record(connection, "failed", datetime.fromisoformat(one.finished_at))

    warehouse.transaction(work)
    unrecorded.forget(settings, runs)


def accounts_of(settings: Settings, deadline: Deadline) -> Accounts:
    return Accounts.from_settings(settings, RetryBudget(deadline=deadline))


def secret(setting: SecretStr | None) -> str:
    """The value of a setting that `opened` has checked to be set."""
    assert setting is not None
    return setting.get_secret_value()
