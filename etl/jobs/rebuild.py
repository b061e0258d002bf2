"""The rebuild job: derive all plays of one listener, or of all, anew from the observations that are kept."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row

from etl import __version__, limits
from etl.clock import Clock, utc_now
from etl.counts import many
from etl.jobs.imports import LARGE
from etl.jobs.ownership import name_of
from etl.jobs.run import Outcome, Run
from etl.settings import Settings
from etl.values import printable
from etl.warehouse.connection import Warehouse
from etl.warehouse.listeners import ListenerError, recorded_listeners
from etl.warehouse.merge import Rebuilt
from etl.warehouse.rebuild import changes, rebuild_listener, total_of, would
from etl.warehouse.statements import run

Progress = Callable[[int, int], None]
Notify = Callable[[str], None]


class DryRunDone(Exception):
    """Rolls the transaction of a dry run back, and carries what would have changed."""

    def __init__(self, rebuilt: Rebuilt) -> None:
        super().__init__()
        self.rebuilt = rebuilt


def rebuild(
    settings: Settings,
    warehouse: Warehouse,
    *,
    listener: str | None = None,
    dry_run: bool = False,
    clock: Clock = utc_now,
    progress: Progress = lambda done, total: None,
    notify: Notify = lambda sentence: None,
) -> Outcome:
    """Derive the plays anew, one transaction a listener; what is done when it fails stays done.

    `listener`: the id or name of the listener; None: all. `dry_run`: roll each transaction back, and say what would
    have changed. `progress` receives listeners done and in all. `notify` receives a sentence before each listener.
    Raises ListenerError and WarehouseError.
    """
    if dry_run:
        warehouse.must_be_current()
    else:
        warehouse.migrate(clock(), __version__, views_may_wait=True, plays_may_wait=True)
    rows = warehouse.transaction(lambda connection: listeners_of(connection, settings, listener), limits.READING)
    if not rows:
        return Outcome("nobody is recorded here yet; there is nothing to derive", new_count=0)
    results = []
    for number, row in enumerate(rows):
        progress(number, len(rows))
        notify(announcement(row, dry_run=dry_run))
        results.append(rebuild_one(warehouse, row, clock, dry_run=dry_run, is_first=number == 0))
    progress(len(rows), len(rows))
    total = total_of(results)
    derived = f"{many(total.play_count, 'play')} of {many(len(rows), 'listener')}"
    return Outcome(
        f"Dry run: of {derived}, {would(total)}" if dry_run else f"{derived} derived anew: {changes(total)}",
        new_count=total.added_count + total.removed_count + total.changed_count,
    )


def listeners_of(connection: Connection, settings: Settings, listener: str | None) -> list[Row[Any]]:
    """The listeners to rebuild, and how much is recorded of each. Raises ListenerError."""
    key = None
    if listener is not None:
        known = recorded_listeners(connection, listener, is_public=settings.github_actions)
        if not known:
            raise ListenerError(
                f"No listener with this name or id is recorded here.{recorded(connection, settings)} Without --listener,"
                " the plays of all are derived."
            )
        key = known[0].listener_key
    return run(connection, "ops/listeners/rebuilt", listener_key=key)


def recorded(connection: Connection, settings: Settings) -> str:
    """A sentence that names the listeners to choose from; empty where others read the log, or where there is nobody."""
    names = [printable(row.listener_id) for row in run(connection, "ops/listeners/everybody")]
    return f" Recorded are: {', '.join(names)}." if names and not settings.github_actions else ""


def announcement(row: Row[Any], *, dry_run: bool) -> str:
    """The sentence that says what is about to be done with the plays of a listener."""
    observations, plays = many(row.observation_count, "observation"), many(row.play_count, "play")
    sentence = f"Deriving the plays of {name_of(row.listener_id, row.listener_name)} anew from {observations}"
    return f"{sentence}; {plays} so far.{' Nothing will be changed.' if dry_run else ''}"


def rebuild_one(warehouse: Warehouse, row: Row[Any], clock: Clock, *, dry_run: bool, is_first: bool) -> Rebuilt:
    """Derive the plays of one listener anew, in one transaction with the row of the run. Raises WarehouseError.

    `is_first`: no listener was done before; the recordings of tracks, which are everybody's, come with the first.
    """

    def work(connection: Connection) -> Rebuilt:
        this_run = Run("rebuild", clock(), listener_key=row.listener_key)
        rebuilt = rebuild_listener(
            connection, row.listener_key, this_run.started_at, derives_recordings=is_first or dry_run
        )
        if dry_run:
            raise DryRunDone(rebuilt)
        count = rebuilt.added_count + rebuilt.removed_count + rebuilt.changed_count
        this_run.record(connection, "done", clock(), row.observation_count, count)
        if count >= LARGE:
            run(connection, "ops/runs/statistics")
        return rebuilt

    try:
        return warehouse.transaction(work, limits.REBUILDING)
    except DryRunDone as done:
        return done.rebuilt
