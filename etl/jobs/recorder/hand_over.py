"""What a recorder leaves to the one that watches its listeners now: all that it heard goes into the warehouse."""

import logging
import sqlite3
from collections.abc import Iterable
from datetime import datetime

from etl.counts import many
from etl.jobs.recorder.flush import AnotherRecorder, Mark, flush
from etl.jobs.recorder.spool import Spool
from etl.settings import Settings
from etl.sources.player.observation import moment_of
from etl.sources.player.session import given_up
from etl.warehouse.connection import Warehouse
from etl.warehouse.errors import WarehouseError

log = logging.getLogger(__name__)

ALL = 1_000_000  # observations: more than a spool will ever hold


def hand_over(
    warehouse: Warehouse, settings: Settings, spool: Spool, listener_keys: Iterable[int], app: str, now: datetime
) -> str:
    """Write what the spool holds of listeners whom another recorder watches; a sentence about it, or none.

    The other one may have seen the same plays. Both observations are then of one play, as if one recorder had been
    killed and started again. Raises nothing: what can't be written stays in the spool.
    """
    count = 0
    try:
        for key in listener_keys:
            end_play_in_hand(spool, key, now)
            waiting = len(spool.waiting(key, ALL))
            if waiting:
                flush_last(warehouse, settings, spool, key, app, now)
                count += waiting - len(spool.waiting(key, ALL))
    except (WarehouseError, sqlite3.Error) as error:
        log.warning("%s", error)
        return (
            " What this one had heard stays in its spool. Run 'brapped record' here once more: it will write that, and"
            " end."
        )
    return f" What this one had heard is recorded now ({many(count, 'observation')})." if count else ""


def end_play_in_hand(spool: Spool, listener_key: int, now: datetime) -> None:
    """End the play in hand if it was last seen too long ago for the other recorder to have met it."""
    before = spool.state(listener_key)
    state, finished = given_up(before, now)
    if state is not before:
        played_at = spool.played_at(listener_key)
        spool.keep(listener_key, state, played_at, finished, app=None, day=now.date(), is_change=True)


def flush_last(
    warehouse: Warehouse, settings: Settings, spool: Spool, listener_key: int, app: str, now: datetime
) -> None:
    """The last flush of a recorder that does not ask. Raises WarehouseError."""
    seen_ms = spool.state(listener_key).seen_ms
    mark = Mark(
        spool.holder_id,
        moment_of(seen_ms) if seen_ms is not None else None,
        spool.made(app, now.date()),
        spool.refused_count(listener_key),
        is_last=True,
    )
    try:
        flush(warehouse, settings, spool, listener_key, mark, now)
    except AnotherRecorder:
        log.info("Listener %d: all that was heard here is recorded", listener_key)
