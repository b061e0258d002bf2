"""Derive plays anew that are due after an update, in the time that a job has left."""

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from etl import limits
from etl.clock import Clock
from etl.counts import many
from etl.deadline import Deadline
from etl.warehouse.connection import Warehouse
from etl.warehouse.engine import WatchedConnection
from etl.warehouse.errors import WarehouseError
from etl.warehouse.rebuild import changes, rebuild_if_due
from etl.warehouse.statements import run

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(hours=20)  # what did not end in time takes minutes of the database's: one job tries it, daily
SHORTEST_S = 10  # with less time left, a try is not worth it


def rebuild_in_time(
    job: str,
    warehouse: Warehouse,
    clock: Clock,
    deadline: Deadline,
    due: Iterable[dict[str, Any]] | None = None,
) -> None:
    """Derive the plays of the listeners that are due, one transaction each, and stop when the time is up.

    `due`: the rows of sql/ops/migrations/rebuild_due.sql, if they are known. What does not end in time is undone and
    logged, and is no failure of the job: `brapped status` has a finding until it is done. Raises WarehouseError if
    the database fails before a try begins.
    """
    if due is None:
        due = warehouse.rebuilds_due()
    for row in due:
        left_s = deadline.left_s - limits.REBUILD_RESERVE_S[job]
        if left_s < SHORTEST_S:
            return
        if not may_try(job, row["tried_at"], row["tried_by"], clock()):
            continue
        listener_key, now = row["listener_key"], clock()
        tried = {"listener_key": listener_key, "tried_at": now, "tried_by": job}
        if not warehouse.transaction(lambda connection: run(connection, "ops/migrations/rebuild_tried", **tried)):  # noqa: B023  called at once
            continue
        wanted = replace(limits.REBUILDING, statement_s=left_s, turn_s=min(left_s / 2, limits.SHORT.turn_s))
        try:
            with cancelled_after(left_s):
                rebuilt = warehouse.transaction(
                    lambda connection: rebuild_if_due(connection, listener_key, now),  # noqa: B023  called at once
                    wanted,
                )
        except WarehouseError as error:
            log.warning(
                "The plays of a listener are still to be derived anew after an update, and this run could not: %s"
                " Nothing is lost. brapped status says what to do.",
                error,
            )
            return
        if rebuilt is not None:
            log.info(
                "An update changed which observations are one play. %s derived anew: %s.",
                many(rebuilt.play_count, "play"),
                changes(rebuilt),
            )


@contextmanager
def cancelled_after(limit_s: float) -> Iterator[None]:
    """Cancel what the database is at when the block takes longer than `limit_s` seconds, until the block ends.

    Each statement may be short enough for its own timeout. A cancellation between two of them has no effect, so it is
    repeated.
    """
    has_ended = threading.Event()

    def cancel() -> None:
        wait_s = limit_s
        while not has_ended.wait(wait_s):
            WatchedConnection.cancel_all()
            wait_s = 1

    thread = threading.Thread(target=cancel, name="cancel", daemon=True)
    thread.start()
    try:
        yield
    finally:
        has_ended.set()
        thread.join(limits.FAREWELL_S)  # or it might cancel what comes next


def may_try(job: str, tried_at: datetime | None, tried_by: str | None, now: datetime) -> bool:
    """Whether a job may try: `plays` the first time only; `dimensions`, which has more time, then once a day. Pure."""
    if tried_at is None:
        return True
    return job == "dimensions" and (tried_by != job or now - tried_at >= AGAIN_AFTER)
