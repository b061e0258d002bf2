"""Derive the plays of listeners anew from their observations, after the rule that matches them has changed."""

import logging
from datetime import datetime

from sqlalchemy import Connection

from etl.counts import many
from etl.warehouse.locks import lock_listeners
from etl.warehouse.merge import Rebuilt, rebuild_plays
from etl.warehouse.statements import run, script
from etl.warehouse.time_zones import update_time_zone

log = logging.getLogger(__name__)

MARKER = "-- rebuild"  # a line of the comment at the head of a schema file, alone or before a colon


def changes_the_rule(name: str) -> bool:
    """Whether all plays have to be derived anew after this schema file: the comment at its head says so."""
    for line in script(name).splitlines():
        if not line.startswith("--"):
            return False
        if line.partition(":")[0].rstrip() == MARKER:
            return True
    return False


def lock_everybody(connection: Connection) -> None:
    """Take the lock of every listener. Before tables are changed, because a merge holds them in that order."""
    lock_listeners(connection, [row.listener_key for row in run(connection, "ops/listeners/keys")])


def rebuild_everybody(connection: Connection, now: datetime) -> None:
    """Derive the plays of every listener anew within this transaction, and log what changed.

    Raises OutOfOrder and a lock timeout as `lock` does.
    """
    keys = [row.listener_key for row in run(connection, "ops/listeners/keys")]
    if not keys:
        return
    log.info("The rule that decides which observations are one play has changed: all plays are derived anew.")
    rebuilt = total_of([rebuild_listener(connection, key, now) for key in keys])
    log.info(
        "%s of %s derived anew: %s.", many(rebuilt.play_count, "play"), many(len(keys), "listener"), changes(rebuilt)
    )


def rebuild_listener(connection: Connection, listener_key: int, now: datetime) -> Rebuilt:
    """Derive the plays of one listener anew, with their local dates. Raises OutOfOrder and a lock timeout as `lock` does.

    A play that stays the same keeps its `play_key`.
    """
    warning = update_time_zone(connection, listener_key)
    if warning is not None:
        log.warning("%s", warning)
    return rebuild_plays(connection, listener_key=listener_key, now=now)


def total_of(rebuilt: list[Rebuilt]) -> Rebuilt:
    return Rebuilt(
        play_count=sum(one.play_count for one in rebuilt),
        added_count=sum(one.added_count for one in rebuilt),
        removed_count=sum(one.removed_count for one in rebuilt),
        changed_count=sum(one.changed_count for one in rebuilt),
    )


def changes(rebuilt: Rebuilt) -> str:
    """What a rebuild changed, in numbers."""
    return f"{rebuilt.added_count:,} added, {rebuilt.removed_count:,} removed, {rebuilt.changed_count:,} changed"
